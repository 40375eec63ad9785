//! Callers that have a secret token.
//!
//! The file has a line for each: `NAME SHA256 [low|normal|high] [operator]`. `SHA256` is the hash of the token in
//! hexadecimal digits (`printf %s TOKEN | sha256sum`), so that who reads the file can not call. Tokens are to be
//! random: at least 128 bits, as from `openssl rand -hex 32`. An operator may load and unload models. `#` begins a
//! comment.

use super::{header, Action, Admission, Admitted, Call};
use crate::{error::Refusal, reload::Reload};
use aimodel_inference::serving::Priority;
use futures::future::BoxFuture;
use http::{header::AUTHORIZATION, HeaderMap};
use parking_lot::RwLock;
use sp_crypto_hashing::sha2_256;
use std::{
	collections::HashSet,
	fs, io,
	path::{Path, PathBuf},
	sync::Arc,
};

/// The most tokens of a file: each call is compared with all of them.
const MAX_TOKENS: usize = 4096;

/// Those who may call.
pub struct Tokens {
	now: RwLock<Vec<Token>>,
	file: Option<PathBuf>,
}

struct Token {
	name: String,
	hash: [u8; 32],
	priority: Priority,
	operator: bool,
}

/// Why a file of tokens is refused.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
	/// It can not be read.
	#[error("{0}")]
	Io(#[from] io::Error),
	/// A line is none.
	#[error("line {line}: {reason}; a line is NAME SHA256 [low|normal|high] [operator]")]
	Line {
		/// Which, from 1.
		line: usize,
		/// What is wrong with it.
		reason: String,
	},
	/// Nobody could call.
	#[error("no token is in the file")]
	Empty,
	/// More than are looked through.
	#[error("the file has {0} tokens; {MAX_TOKENS} are the most")]
	TooMany(usize),
}

impl Tokens {
	/// Reads a file.
	pub fn from_file(path: &Path) -> Result<Self, TokenError> {
		let tokens = Self::parse(&fs::read_to_string(path)?)?;
		Ok(Self { file: Some(path.into()), ..tokens })
	}

	/// How many there are.
	pub fn count(&self) -> usize {
		self.now.read().len()
	}

	/// Reads a file's text.
	pub fn parse(text: &str) -> Result<Self, TokenError> {
		let mut tokens = Vec::new();
		let mut hashes = HashSet::new();
		for (at, line) in text.lines().enumerate() {
			let line = line.split('#').next().unwrap_or_default();
			let mut words = line.split_whitespace();
			let Some(name) = words.next() else { continue };
			let wrong = |reason: String| TokenError::Line { line: at + 1, reason };
			let token = Token::parse(name, words).map_err(wrong)?;
			if !hashes.insert(token.hash) {
				return Err(wrong("the token is in the file already".into()));
			}
			tokens.push(token);
		}
		match tokens.len() {
			0 => Err(TokenError::Empty),
			count if count > MAX_TOKENS => Err(TokenError::TooMany(count)),
			_ => Ok(Self { now: RwLock::new(tokens), file: None }),
		}
	}

	fn find<T>(
		&self,
		headers: &HeaderMap,
		then: impl FnOnce(&Token) -> Result<T, Refusal>,
	) -> Result<T, Refusal> {
		let unauthenticated = |reason: &str| Refusal::Unauthenticated(reason.into());
		let value = header(headers, AUTHORIZATION.as_str())?.ok_or_else(|| {
			unauthenticated("a token is needed: send the header `authorization: Bearer TOKEN`")
		})?;
		let token = value
			.split_once(' ')
			.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
			.map(|(_, token)| token.trim())
			.ok_or_else(|| unauthenticated("the header `authorization` must be `Bearer TOKEN`"))?;
		let hash = sha2_256(token.as_bytes());
		// All are compared, and each whole: time tells nothing.
		let mut found = None;
		let tokens = self.now.read();
		for token in &*tokens {
			let difference = token.hash.iter().zip(&hash).fold(0, |all, (a, b)| all | (a ^ b));
			if std::hint::black_box(difference) == 0 {
				found = Some(token);
			}
		}
		then(found.ok_or_else(|| unauthenticated("nobody has this token"))?)
	}
}

impl Token {
	fn parse<'a>(name: &str, words: impl Iterator<Item = &'a str>) -> Result<Self, String> {
		let mut words = words.peekable();
		let hash = words.next().ok_or("the hash of the token is missing")?;
		let hash = <[u8; 32]>::try_from(hex::decode(hash).unwrap_or_default()).map_err(|_| {
			format!("`{hash}` is no hash: 64 hexadecimal digits, by `printf %s TOKEN | sha256sum`")
		})?;
		let (mut priority, mut operator) = (Priority::Normal, false);
		for word in words {
			match word {
				"low" => priority = Priority::Low,
				"normal" => priority = Priority::Normal,
				"high" => priority = Priority::High,
				"operator" => operator = true,
				other => return Err(format!("`{other}` is none of low, normal, high, operator")),
			}
		}
		Ok(Self { name: name.into(), hash, priority, operator })
	}
}

impl Admission for Tokens {
	fn greet(&self, headers: &HeaderMap) -> Result<(), Refusal> {
		self.find(headers, |_| Ok(()))
	}

	fn admit<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Admitted, Refusal>> {
		let admitted = self.find(call.headers, |token| match call.action {
			Action::Manage if !token.operator => Err(Refusal::Forbidden(format!(
				"`{}` is no operator, and only operators load and unload models",
				token.name
			))),
			_ => {
				let (priority, caller) = (token.priority, token.name.clone());
				Ok(Admitted { priority, caller, charge: None })
			},
		});
		Box::pin(std::future::ready(admitted))
	}

	fn files(self: Arc<Self>) -> Option<Arc<dyn Reload>> {
		self.file.is_some().then_some(self as Arc<dyn Reload>)
	}
}

impl Reload for Tokens {
	fn files(&self) -> Vec<PathBuf> {
		self.file.iter().cloned().collect()
	}

	fn reload(&self) -> Result<(), String> {
		let Some(file) = &self.file else { return Ok(()) };
		let tokens = Self::from_file(file).map_err(|error| error.to_string())?;
		*self.now.write() = tokens.now.into_inner();
		Ok(())
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use bytes::Bytes;
	use futures::FutureExt;

	const FILE: &str = "
		# printf %s secret | sha256sum
		alice 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b high
		bob   9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 operator # test
	";

	fn admit(authorization: &[&str], action: Action) -> Result<Admitted, Refusal> {
		let mut headers = HeaderMap::new();
		for value in authorization {
			headers.append(AUTHORIZATION, value.parse().unwrap());
		}
		let (body, version) = (&Bytes::new(), None);
		let (method, path, model) = ("POST", "/v2/models/m/infer", "m");
		let call = Call { action, method, path, headers: &headers, body, model, version };
		let tokens = Tokens::parse(FILE).unwrap();
		assert_eq!(tokens.greet(&headers).is_ok(), tokens.find(&headers, |_| Ok(())).is_ok());
		let admitted = tokens.admit(call).now_or_never().unwrap();
		admitted
	}

	#[test]
	fn who_has_a_token_may_call() {
		let alice = admit(&["Bearer secret"], Action::Infer).unwrap();
		assert_eq!((alice.caller.as_str(), alice.priority), ("alice", Priority::High));
		let bob = admit(&["bearer test"], Action::Infer).unwrap();
		assert_eq!((bob.caller.as_str(), bob.priority), ("bob", Priority::Normal));
	}

	#[test]
	fn nobody_else_may() {
		for authorization in [
			&[] as &[&str],
			&["Bearer secre"],
			&["Bearer "],
			&["secret"],
			&["Basic secret"],
			&["Bearer secret", "Bearer secret"],
			&["Bearer 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"],
		] {
			let refused = admit(authorization, Action::Infer).unwrap_err();
			assert!(matches!(refused, Refusal::Unauthenticated(_)), "{authorization:?}");
		}
	}

	#[test]
	fn only_operators_manage() {
		assert!(admit(&["Bearer test"], Action::Manage).is_ok());
		let refused = admit(&["Bearer secret"], Action::Manage).unwrap_err();
		assert!(matches!(refused, Refusal::Forbidden(_)));
	}

	#[test]
	fn a_line_that_is_none_is_named() {
		let refused = |text: &str| Tokens::parse(text).err().unwrap().to_string();
		assert!(refused("# nobody").contains("no token"));
		assert!(refused("alice").starts_with("line 1: the hash"));
		assert!(refused("\nalice secret").starts_with("line 2: `secret` is no hash"));
		let hash = "00".repeat(32);
		assert!(refused(&format!("alice {hash} urgent")).contains("`urgent` is none of"));
		assert!(refused(&format!("alice {hash}\nbob {hash}")).contains("already"));
	}
}
