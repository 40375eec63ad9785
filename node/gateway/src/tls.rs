//! TLS by certificate files.

use crate::config::Tls;
use rustls::ServerConfig;
use std::{fs::File, io, io::BufReader, path::PathBuf, sync::Arc};
use tokio_rustls::TlsAcceptor;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
	/// A file can not be read.
	#[error("{path}: {source}")]
	File {
		/// Which.
		path: PathBuf,
		/// Why.
		source: io::Error,
	},
	/// There is no certificate in the file.
	#[error("{0} has no certificate in PEM")]
	NoCertificate(PathBuf),
	/// There is no key in the file.
	#[error("{0} has no private key in PEM")]
	NoKey(PathBuf),
	/// The key is not the certificate's, or of a kind that is not used.
	#[error("certificate and key are refused: {0}")]
	Refused(#[from] rustls::Error),
}

/// Accepts TLS 1.2 and 1.3 for one application protocol.
pub(crate) fn acceptor(tls: &Tls, protocol: &[u8]) -> Result<TlsAcceptor, TlsError> {
	let Tls { certificates: path, key: key_path } = tls;
	let open = |path: &PathBuf| {
		let of_file = |source| TlsError::File { path: path.clone(), source };
		File::open(path).map(BufReader::new).map_err(of_file)
	};
	let of_file = |path: &PathBuf| {
		let path = path.clone();
		move |source| TlsError::File { path, source }
	};
	let certificates = rustls_pemfile::certs(&mut open(path)?)
		.collect::<Result<Vec<_>, _>>()
		.map_err(of_file(path))?;
	if certificates.is_empty() {
		return Err(TlsError::NoCertificate(path.clone()));
	}
	let key = rustls_pemfile::private_key(&mut open(key_path)?)
		.map_err(of_file(key_path))?
		.ok_or_else(|| TlsError::NoKey(key_path.clone()))?;
	let provider = Arc::new(rustls::crypto::ring::default_provider());
	let mut config = ServerConfig::builder_with_provider(provider)
		.with_safe_default_protocol_versions()?
		.with_no_client_auth()
		.with_single_cert(certificates, key)?;
	config.alpn_protocols = vec![protocol.to_vec()];
	Ok(TlsAcceptor::from(Arc::new(config)))
}
