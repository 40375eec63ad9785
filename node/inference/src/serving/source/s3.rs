//! Files in object stores that speak the protocol of S3.

use super::{http::chain, Opened, Source, SourceError};
use futures::{future::BoxFuture, FutureExt, StreamExt};
use object_store::{
	aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey},
	path::Path,
	ClientConfigKey, GetOptions, GetRange, ObjectStore, RetryConfig,
};
use url::Url;

/// Options that nobody is told.
const SECRETS: [AmazonS3ConfigKey; 3] =
	[AmazonS3ConfigKey::AccessKeyId, AmazonS3ConfigKey::SecretAccessKey, AmazonS3ConfigKey::Token];

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
	/// signed. One without a value is none. What no request can be made of is refused: `object_store`
	/// would panic.
	pub fn new<'a>(options: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, String> {
		let mut known = Vec::new();
		for (name, value) in options {
			let name = name.to_ascii_lowercase();
			let key = if name == "allow_http" {
				AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp)
			} else {
				name.parse().map_err(|_| format!("`{name}` is no option of an S3 store"))?
			};
			// Files of secrets end with a line break.
			let value = value.trim();
			if value.is_empty() {
				continue;
			}
			let value = match key {
				AmazonS3ConfigKey::Endpoint => Url::parse(value)
					.ok()
					.filter(|url| matches!(url.scheme(), "http" | "https"))
					.map(String::from)
					.ok_or_else(|| {
						format!("`{name}` is `{value}`; wanted is https://HOST[:PORT]")
					})?,
				AmazonS3ConfigKey::Region | AmazonS3ConfigKey::DefaultRegion if !is_name(value) => {
					return Err(format!("`{name}` is `{value}`, which is no region"));
				},
				_ if !value.bytes().all(|byte| matches!(byte, b' '..=b'~')) => {
					return Err(format!("`{name}` has characters that no request can have"));
				},
				_ => value.to_owned(),
			};
			known.push((key, value));
		}
		let s3 = Self { options: known };
		if s3.option(AmazonS3ConfigKey::Endpoint).is_some_and(|it| it.starts_with("http:"))
			&& s3.option(AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp)).is_none()
		{
			return Err("`endpoint` is http://, and `allow_http` is not set".into());
		}
		s3.store("bucket").map_err(|error| chain(&error))?;
		Ok(s3)
	}

	fn option(&self, wanted: AmazonS3ConfigKey) -> Option<&str> {
		self.options.iter().rfind(|(key, _)| *key == wanted).map(|(_, value)| value.as_str())
	}

	fn store(&self, bucket: &str) -> object_store::Result<AmazonS3> {
		// Whoever fetches tries again itself, from where it was.
		let once = RetryConfig { max_retries: 0, ..RetryConfig::default() };
		let mut builder = AmazonS3Builder::new().with_bucket_name(bucket).with_retry(once);
		if self.option(AmazonS3ConfigKey::AccessKeyId).is_none() {
			builder = builder.with_skip_signature(true);
		}
		for (option, value) in &self.options {
			builder = builder.with_config(*option, value);
		}
		builder.build()
	}

	/// What an error says. Of a store's answer it is code and message alone: the rest can repeat the
	/// request with its session token, and whoever calls the gateway is told.
	fn told(&self, error: &object_store::Error) -> String {
		let text = chain(error);
		let (said, answer) = text.split_once('<').unwrap_or((text.as_str(), ""));
		let part = |name: &str| {
			let (_, rest) = answer.split_once(&format!("<{name}>"))?;
			Some(rest.split_once("</")?.0)
		};
		let said = said.trim_end_matches([':', ' ']);
		let parts = [Some(said), part("Code"), part("Message")];
		let mut told = parts.into_iter().flatten().collect::<Vec<_>>().join(": ");
		for secret in SECRETS.into_iter().filter_map(|key| self.option(key)) {
			told = told.replace(secret, "…");
		}
		told.replace(char::is_control, " ")
	}
}

/// Whether it can be in an address as it is: the name of a bucket or of a region.
fn is_name(text: &str) -> bool {
	text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
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
			if !is_name(bucket) {
				return Err(SourceError::lasting(format!("`{bucket}` is no bucket")));
			}
			let key = Path::from_url_path(uri.path()).map_err(SourceError::lasting)?;
			let store = self.store(bucket).map_err(|error| SourceError::lasting(chain(&error)))?;
			let range = (offset > 0).then_some(GetRange::Offset(offset));
			let options = GetOptions { range, ..GetOptions::default() };
			let got = store.get_opts(&key, options).await.map_err(|error| {
				let again = !matches!(
					error,
					object_store::Error::NotFound { .. }
						| object_store::Error::PermissionDenied { .. }
						| object_store::Error::Unauthenticated { .. }
				);
				SourceError { reason: self.told(&error), again }
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
