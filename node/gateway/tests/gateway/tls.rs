//! TLS by certificate files.

use crate::{world, world_with};
use aimodel_gateway::{Config, Gateway, Hooks, StartError, Tls, TlsError};
use std::{
	io::{Read, Write},
	net::TcpStream,
	path::Path,
	process::Command,
	time::Duration,
};

fn certificate(folder: &Path) -> Tls {
	let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
	let (certificates, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
	std::fs::write(&certificates, made.serialize_pem().unwrap()).unwrap();
	std::fs::write(&key, made.serialize_private_key_pem()).unwrap();
	Tls { certificates, key }
}

#[test]
fn who_trusts_the_certificate_is_answered() {
	let folder = tempfile::tempdir().unwrap();
	let tls = certificate(folder.path());
	let world = world_with(|config, _| {
		config.tls = Some(tls.clone());
		config.limits.header_timeout = Duration::from_millis(500);
	});
	let port = world.http.port();
	let curl = |scheme: &str, trust: bool| {
		let mut curl = Command::new("curl");
		curl.args(["-sS", "-m", "20"]);
		if trust {
			curl.arg("--cacert").arg(&tls.certificates);
		}
		let output =
			curl.arg(format!("{scheme}://localhost:{port}/v2/health/live")).output().unwrap();
		String::from_utf8(output.stdout).unwrap()
	};
	assert_eq!(curl("https", true), "{\"live\":true}");
	assert_eq!(curl("https", false), "");
	assert_eq!(curl("http", true), "");
	// A handshake that does not come is not waited for.
	let mut silent = TcpStream::connect(world.http).unwrap();
	silent.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
	silent.write_all(&[0x16]).unwrap();
	assert_eq!(silent.read(&mut [0; 1]).unwrap_or(0), 0);
	assert_eq!(curl("https", true), "{\"live\":true}");
}

#[test]
fn a_certificate_that_is_renewed_is_used() {
	let [folder, renewed] = [(); 2].map(|()| tempfile::tempdir().unwrap());
	let (tls, next) = (certificate(folder.path()), certificate(renewed.path()));
	let trusted = folder.path().join("trusted.pem");
	let world = world_with(|config, _| {
		config.limits.reload_interval = Duration::from_millis(20);
		config.tls = Some(tls.clone());
	});
	let url = format!("https://localhost:{}/v2/health/live", world.http.port());
	let live = |certificate: &Path| {
		std::fs::copy(certificate, &trusted).unwrap();
		let mut curl = Command::new("curl");
		curl.args(["-sS", "-m", "20", "--cacert"]).arg(&trusted).arg(&url);
		curl.output().unwrap().status.success()
	};
	let before = folder.path().join("before.pem");
	std::fs::copy(&tls.certificates, &before).unwrap();
	assert!(live(&before) && !live(&next.certificates));
	// A certificate without its key is not used.
	std::fs::copy(&next.certificates, &tls.certificates).unwrap();
	world.wait_for_stale(1);
	assert!(live(&before));
	std::fs::copy(&next.key, &tls.key).unwrap();
	world.wait_for_stale(0);
	assert!(live(&next.certificates) && !live(&before));
}

#[test]
fn files_that_are_none_are_named() {
	let world = world();
	let folder = tempfile::tempdir().unwrap();
	let good = certificate(folder.path());
	let others = tempfile::tempdir().unwrap();
	let other = certificate(others.path());
	let start = |tls: Tls| {
		let config = Config { tls: Some(tls), ..Config::new("127.0.0.1:0".parse().unwrap()) };
		let runtime = world.runtime.handle();
		match Gateway::start(config, world.server.clone(), Hooks::default(), runtime) {
			Err(StartError::Tls(error)) => error,
			Err(error) => panic!("{error}"),
			Ok(_) => panic!("it started"),
		}
	};
	let missing = Tls { certificates: folder.path().join("none"), ..good.clone() };
	assert!(matches!(start(missing), TlsError::File { .. }));
	let swapped = Tls { certificates: good.key.clone(), key: good.certificates.clone() };
	assert!(matches!(start(swapped), TlsError::NoCertificate(_)));
	let no_key = Tls { key: good.certificates.clone(), ..good.clone() };
	assert!(matches!(start(no_key), TlsError::NoKey(_)));
	let foreign = Tls { key: other.key, ..good };
	assert!(matches!(start(foreign), TlsError::Refused(_)));
}
