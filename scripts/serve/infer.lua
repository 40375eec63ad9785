-- A request of one row of 784 floats for wrk, binary both ways: POST v2/models/MODEL/infer.
--
--   wrk -t2 -c32 -d10s --latency -s scripts/serve/infer.lua http://127.0.0.1:8000 -- [MODEL] [INPUT] [COLUMNS]

function init(args)
	local model = args[1] or "mlp-784"
	local input = args[2] or "x"
	local columns = tonumber(args[3] or "784")
	local elements = {}
	for at = 1, columns do
		-- 0, 1, 2 and 4 in turn, little-endian.
		elements[at] = ({ "\0\0\0\0", "\0\0\128\63", "\0\0\0\64", "\0\0\128\64" })[at % 4 + 1]
	end
	local tensor = table.concat(elements)
	local json = string.format(
		'{"inputs":[{"name":"%s","shape":[1,%d],"datatype":"FP32","parameters":{"binary_data_size":%d}}],'
			.. '"parameters":{"binary_data_output":true}}',
		input, columns, #tensor)
	wrk.method = "POST"
	wrk.path = "/v2/models/" .. model .. "/infer"
	wrk.headers["Content-Type"] = "application/octet-stream"
	wrk.headers["Inference-Header-Content-Length"] = tostring(#json)
	wrk.body = json .. tensor
	formatted = wrk.format()
end

function request()
	return formatted
end

function done(summary, latency, requests)
	local failed = summary.errors.connect + summary.errors.read + summary.errors.write
		+ summary.errors.status + summary.errors.timeout
	io.write(string.format(
		'{"rps":%.0f,"p50_ms":%.3f,"p95_ms":%.3f,"p99_ms":%.3f,"errors":%d}\n',
		summary.requests / summary.duration * 1e6,
		latency:percentile(50) / 1000, latency:percentile(95) / 1000, latency:percentile(99) / 1000,
		failed))
end
