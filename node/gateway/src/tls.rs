//! TLS by certificate files.

use crate::{config::Tls, reload::Reload};
use parking_lot::RwLock;
use rustls::{
	crypto::CryptoProvider,
	pki_types::CertificateDer,
	server::{ClientHello, ResolvesServerCert},
	sign::CertifiedKey,
	ServerConfig,
};
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

/// A certificate and its key, as the files are now.
#[derive(Debug)]
pub(crate) struct Certificate {
	files: Tls,
	provider: Arc<CryptoProvider>,
	now: RwLock<Arc<CertifiedKey>>,
}

impl Tls {
	/// Reads both files: the certificates, the gateway's own first. Fails as the gateway would.
	pub fn read(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
		Ok(self.key(&rustls::crypto::ring::default_provider())?.cert)
	}

	fn key(&self, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
		let Self { certificates: path, key: key_path } = self;
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
		Ok(CertifiedKey::from_der(certificates, key, provider)?)
	}
}

impl Certificate {
	pub(crate) fn read(files: Tls) -> Result<Arc<Self>, TlsError> {
		let provider = Arc::new(rustls::crypto::ring::default_provider());
		let now = RwLock::new(Arc::new(files.key(&provider)?));
		Ok(Arc::new(Self { files, provider, now }))
	}

	/// Accepts TLS 1.2 and 1.3 for one application protocol.
	pub(crate) fn acceptor(self: &Arc<Self>, protocol: &[u8]) -> Result<TlsAcceptor, TlsError> {
		let mut config = ServerConfig::builder_with_provider(self.provider.clone())
			.with_safe_default_protocol_versions()?
			.with_no_client_auth()
			.with_cert_resolver(self.clone());
		config.alpn_protocols = vec![protocol.to_vec()];
		Ok(TlsAcceptor::from(Arc::new(config)))
	}
}

impl ResolvesServerCert for Certificate {
	fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
		Some(self.now.read().clone())
	}
}

impl Reload for Certificate {
	fn files(&self) -> Vec<PathBuf> {
		vec![self.files.certificates.clone(), self.files.key.clone()]
	}

	fn reload(&self) -> Result<(), String> {
		let key = self.files.key(&self.provider).map_err(|error| error.to_string())?;
		*self.now.write() = Arc::new(key);
		Ok(())
	}
}
