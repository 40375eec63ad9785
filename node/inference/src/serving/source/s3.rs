//! Files in object stores that speak the protocol of S3.

use super::{http::chain, Opened, Source, SourceError};
use futures::{future::BoxFuture, FutureExt, StreamExt};
use object_store::{
	aws::{AmazonS3Builder, AmazonS3ConfigKey},
	path::Path,
	GetOptions, GetRange, ObjectStore, RetryConfig,
};
use url::Url;

/// `s3://BUCKET/KEY`.
#[derive(Clone, Default)]
pub struct S3 {
	options: Vec<(AmazonS3ConfigKey, String)>,
}

impl std::fmt::Debug for S3 {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		// Not their values: keys are among them.
		f.debug_set().entries(self.options.iter().map(|(key, _)| key)).finish()
	}
}

impl S3 {
	/// Options by their names: `endpoint`, `region`, `access_key_id`, `secret_access_key`,
	/// `session_token`, `allow_http`, `virtual_hosted_style_request`. Without keys, requests are not
	/// signed.
	pub fn new<'a>(options: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, String> {
		let mut known = Vec::new();
		for (name, value) in options {
			let name = name.to_ascii_lowercase();
			let key = if name == "allow_http" {
				AmazonS3ConfigKey::Client(object_store::ClientConfigKey::AllowHttp)
			} else {
				name.parse().map_err(|_| format!("`{name}` is no option of an S3 store"))?
			};
			known.push((key, value.to_owned()));
		}
		Ok(Self { options: known })
	}
}

impl Source for S3 {
	fn schemes(&self) -> &[&str] {
		&["s3"]
	}

	fn open<'a>(
		&'a self,
		uri: &'a Url,
		offset: u64,
		_: u32,
	) -> BoxFuture<'a, Result<Opened, SourceError>> {
		async move {
			let bucket =
				uri.host_str().ok_or_else(|| SourceError::lasting("there is no bucket"))?;
			let key = Path::from_url_path(uri.path()).map_err(SourceError::lasting)?;
			// Whoever fetches tries again itself, from where it was.
			let once = RetryConfig { max_retries: 0, ..RetryConfig::default() };
			let mut builder = AmazonS3Builder::new().with_bucket_name(bucket).with_retry(once);
			if !self.options.iter().any(|(key, _)| *key == AmazonS3ConfigKey::AccessKeyId) {
				builder = builder.with_skip_signature(true);
			}
			for (option, value) in &self.options {
				builder = builder.with_config(*option, value);
			}
			let store = builder.build().map_err(|error| SourceError::lasting(chain(&error)))?;
			let range = (offset > 0).then_some(GetRange::Offset(offset));
			let options = GetOptions { range, ..GetOptions::default() };
			let got = store.get_opts(&key, options).await.map_err(|error| {
				let again = !matches!(
					error,
					object_store::Error::NotFound { .. }
						| object_store::Error::PermissionDenied { .. }
						| object_store::Error::Unauthenticated { .. }
				);
				SourceError { reason: chain(&error), again }
			})?;
			let (offset, length) = (got.range.start, Some(got.meta.size));
			let stream = got
				.into_stream()
				.map(|bytes| bytes.map_err(|error| SourceError::passing(chain(&error))));
			Ok(Opened { offset, length, stream: stream.boxed() })
		}
		.boxed()
	}
}
