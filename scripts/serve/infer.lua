-- A request of one row of floats for wrk: POST v2/models/MODEL/infer, binary both ways, or JSON.
--
--   wrk -t2 -c32 -d10s --latency -s scripts/serve/infer.lua URL -- MODEL INPUT SHAPE [json] [PAUSE]
--
-- SHAPE is that of the rows: 1,784. PAUSE is how many milliseconds each client waits before a request, on average: wrk
-- waits for whole ones.

local pause = 0

function init(args)
	local model, input, shape = args[1], args[2], args[3]
	local json_only = args[4] == "json"
	pause = tonumber(args[5] or "0")
	local count = 1
	for size in shape:gmatch("%d+") do
		count = count * tonumber(size)
	end
	wrk.method = "POST"
	wrk.path = "/v2/models/" .. model .. "/infer"
	if json_only then
		local elements = {}
		for at = 1, count do
			elements[at] = tostring(({ 0, 1, 2, 4 })[at % 4 + 1])
		end
		wrk.headers["Content-Type"] = "application/json"
		wrk.body = string.format('{"inputs":[{"name":"%s","shape":[%s],"datatype":"FP32","data":[%s]}]}',
			input, shape, table.concat(elements, ","))
	else
		local elements = {}
		for at = 1, count do
			-- 0, 1, 2 and 4 in turn, little-endian.
			elements[at] = ({ "\0\0\0\0", "\0\0\128\63", "\0\0\0\64", "\0\0\128\64" })[at % 4 + 1]
		end
		local tensor = table.concat(elements)
		local json = string.format(
			'{"inputs":[{"name":"%s","shape":[%s],"datatype":"FP32","parameters":{"binary_data_size":%d}}],'
				.. '"parameters":{"binary_data_output":true}}',
			input, shape, #tensor)
		wrk.headers["Content-Type"] = "application/octet-stream"
		wrk.headers["Inference-Header-Content-Length"] = tostring(#json)
		wrk.body = json .. tensor
	end
	formatted = wrk.format()
end

function request()
	return formatted
end

function delay()
	local whole = math.floor(pause)
	return math.random() < pause - whole and whole + 1 or whole
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
