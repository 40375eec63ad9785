//! The checks of what a gateway needs.

use super::{checks::Running, Finding};
use aimodel_gateway::{Tls, Tokens};
use aimodel_inference::serving::{ModelEntry, VersionEntry};
use std::{
	fs, io,
	net::TcpListener,
	path::Path,
	time::{Duration, SystemTime, UNIX_EPOCH},
};
use url::Url;
use x509_parser::prelude::{FromDer, X509Certificate};

/// How long before its end a certificate is to be renewed.
const RENEW: Duration = Duration::from_secs(14 * 24 * 3600);

/// The gateway's port is free, or the node that runs listens there.
pub(super) fn port(port: u16, node: &Result<Running, String>) -> Finding {
	const CHECK: &str = "gateway";
	match (TcpListener::bind(("127.0.0.1", port)), node) {
		(Ok(_), _) => Finding::ok(CHECK, format!("port {port} is free")),
		(Err(error), Ok(_)) if error.kind() == io::ErrorKind::AddrInUse => {
			Finding::ok(CHECK, format!("port {port} is taken; a node runs here"))
		},
		(Err(error), _) => Finding::failed(
			CHECK,
			format!("port {port}: {error}"),
			"end what listens there, or choose another with --gateway-port or --gateway-grpc-port",
		),
	}
}

/// The file of tokens can be read.
pub(super) fn tokens(path: &Path) -> Finding {
	const CHECK: &str = "tokens";
	let shown = path.display();
	match Tokens::from_file(path) {
		Ok(tokens) => Finding::ok(CHECK, format!("{} in {shown}", tokens.count())),
		Err(error) => Finding::failed(
			CHECK,
			format!("{shown}: {error}"),
			"write a line for each caller: NAME, and the hash by `printf %s TOKEN | sha256sum`",
		),
	}
}

/// The certificate fits its key, and is of these days.
pub(super) fn certificate(tls: &Tls) -> Finding {
	const CHECK: &str = "certificate";
	const RENEWED: &str = "renew the certificate; a gateway that runs reads it by itself";
	let read = match tls.read() {
		Ok(read) => read,
		Err(error) => {
			let mend = "give a certificate and its own key, both in PEM";
			return Finding::failed(CHECK, error.to_string(), mend);
		},
	};
	let shown = tls.certificates.display();
	let Some((_, first)) = read.first().and_then(|first| X509Certificate::from_der(first).ok())
	else {
		return Finding::failed(CHECK, format!("{shown} is no certificate"), RENEWED);
	};
	let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
	let at = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
	let validity = first.validity();
	let (from, to) = (validity.not_before, validity.not_after);
	if from.timestamp() > at(now) {
		let mend = "wait, or mend the clock, or give a certificate of these days";
		return Finding::failed(CHECK, format!("{shown} is valid from {from}"), mend);
	}
	if to.timestamp() < at(now) {
		return Finding::failed(CHECK, format!("{shown} was valid until {to}"), RENEWED);
	}
	let found = format!("{shown} fits its key, and is valid until {to}");
	match to.timestamp() < at(now.saturating_add(RENEW)) {
		true => Finding::warning(CHECK, found, RENEWED),
		false => Finding::ok(CHECK, found),
	}
}

/// The list can be read, and those of its files that are on this machine have their hashes.
pub(super) fn models(path: &Path) -> Finding {
	const CHECK: &str = "models";
	let shown = path.display();
	let list = fs::read(path).map_err(|error| error.to_string()).and_then(|json| {
		serde_json::from_slice::<Vec<ModelEntry>>(&json).map_err(|error| error.to_string())
	});
	let list = match list {
		Ok(list) => list,
		Err(error) => {
			let mend = "write a JSON list of models, as docs/serving.md shows";
			return Finding::failed(CHECK, format!("{shown}: {error}"), mend);
		},
	};
	let wrong: Vec<String> = list
		.iter()
		.flat_map(|entry| entry.versions.iter().map(move |version| (entry, version)))
		.filter_map(|(entry, version)| {
			let reason = file(version)?;
			Some(format!("{} {}: {reason}", entry.name, version.version))
		})
		.collect();
	match wrong.is_empty() {
		true => Finding::ok(CHECK, format!("{} in {shown}", list.len())),
		false => Finding::failed(
			CHECK,
			wrong.join("; "),
			"put the file there, or the hash and length of `aimodel-node model check FILE` into the list",
		),
	}
}

/// What is wrong with a file of this machine.
fn file(version: &VersionEntry) -> Option<String> {
	let uri = match Url::parse(&version.uri) {
		Ok(uri) => uri,
		Err(error) => return Some(format!("`{}` is no URI: {error}", version.uri)),
	};
	if uri.scheme() != "file" {
		return None;
	}
	let Ok(path) = uri.to_file_path() else {
		return Some(format!("{uri} is no path of this machine"));
	};
	let found =
		match ModelEntry::of_file("checked", version.version.clone(), &path, Default::default()) {
			Ok(found) => found,
			Err(error) => return Some(format!("{}: {error}", path.display())),
		};
	let found = found.versions.first()?;
	((found.hash, found.bytes) != (version.hash, version.bytes)).then(|| {
		format!(
			"{} has the hash {:?} and {} bytes, not {:?} and {}",
			path.display(),
			found.hash,
			found.bytes,
			version.hash,
			version.bytes,
		)
	})
}

#[cfg(test)]
mod tests {
	use super::{super::State, *};

	fn nobody() -> Result<Running, String> {
		Err("connection refused".into())
	}

	#[test]
	fn a_port_that_another_has_is_told() {
		let taken = TcpListener::bind("127.0.0.1:0").unwrap();
		let finding = port(taken.local_addr().unwrap().port(), &nobody());
		assert_eq!(finding.state, State::Failed);
		assert!(finding.mend.unwrap().contains("--gateway-grpc-port"));
	}

	#[test]
	fn a_line_that_is_no_token_is_told() {
		let folder = tempfile::tempdir().unwrap();
		let file = folder.path().join("tokens");
		fs::write(&file, "alice secret").unwrap();
		let finding = tokens(&file);
		assert_eq!(finding.state, State::Failed);
		assert!(finding.found.contains("line 1"), "{}", finding.found);
		fs::write(&file, format!("alice {}", "00".repeat(32))).unwrap();
		assert_eq!(tokens(&file).state, State::Ok);
	}

	#[test]
	fn a_file_that_is_not_what_the_list_says_is_told() {
		let folder = tempfile::tempdir().unwrap();
		let (list, model) = (folder.path().join("list"), folder.path().join("model"));
		fs::write(&model, b"a model").unwrap();
		let write = |hash: &str| {
			let version = serde_json::json!({
				"version": "1.0.0", "uri": format!("file://{}", model.display()), "hash": hash, "bytes": 7,
			});
			let entry = serde_json::json!([{ "name": "m", "versions": [version] }]);
			fs::write(&list, entry.to_string()).unwrap();
		};
		write(&"00".repeat(32));
		let finding = models(&list);
		assert_eq!(finding.state, State::Failed);
		assert!(finding.found.starts_with("m 1.0.0: "), "{}", finding.found);
		write(&hex::encode(aimodel_inference::blobs::hash(b"a model")));
		assert_eq!(models(&list).state, State::Ok);
		fs::write(&list, b"{}").unwrap();
		assert_eq!(models(&list).state, State::Failed);
	}
}
