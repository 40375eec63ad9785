//! A key that customers encrypt openings to.
//!
//! A message is a NaCl box (X25519, XSalsa20, Poly1305) from a key that its sender forgets: the
//! sender's public key (32 bytes), a nonce (24 bytes), the box. Who sent it does not matter: what is
//! inside opens a commitment of the chain, or is refused.

use super::{Opening, OpeningError};
use crypto_box::{aead::Aead, PublicKey, SalsaBox, SecretKey};
use std::{
	fs::{self, OpenOptions},
	io::{self, Write},
	os::unix::fs::OpenOptionsExt,
	path::Path,
};

const KEY: usize = 32;
const NONCE: usize = 24;

/// A message could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("the message is no box for the key 0x{}", hex::encode(.public))]
pub struct NotForUs {
	public: [u8; KEY],
}

/// The secret key of a node's mailbox.
pub struct Mailbox(SecretKey);

impl Mailbox {
	/// Reads the key in the file `path`, or makes one there, for this user alone.
	pub fn open(path: &Path) -> Result<Self, OpeningError> {
		let read = || -> io::Result<Self> {
			match fs::read(path) {
				Ok(bytes) => {
					let bytes = <[u8; KEY]>::try_from(bytes)
						.map_err(|_| io::Error::other("a key has 32 bytes"))?;
					Ok(Self(SecretKey::from_bytes(bytes)))
				},
				Err(error) if error.kind() == io::ErrorKind::NotFound => {
					let key = SecretKey::generate(&mut zkonnx::rand::rngs::OsRng);
					let mut options = OpenOptions::new();
					let mut file = options.write(true).create_new(true).mode(0o600).open(path)?;
					file.write_all(&key.to_bytes())?;
					file.sync_all()?;
					Ok(Self(key))
				},
				Err(error) => Err(error),
			}
		};
		read().map_err(OpeningError::io(path))
	}

	/// The key to encrypt to.
	pub fn public(&self) -> [u8; KEY] {
		self.0.public_key().to_bytes()
	}

	/// The opening in a message.
	pub fn read(&self, message: &[u8]) -> Result<Result<Opening, OpeningError>, NotForUs> {
		let not_for_us = || NotForUs { public: self.public() };
		let (sender, rest) = message.split_first_chunk::<KEY>().ok_or_else(not_for_us)?;
		let (nonce, boxed) = rest.split_first_chunk::<NONCE>().ok_or_else(not_for_us)?;
		let bytes = SalsaBox::new(&PublicKey::from(*sender), &self.0)
			.decrypt(nonce.into(), boxed)
			.map_err(|_| not_for_us())?;
		Ok(Opening::from_bytes(&bytes))
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn sealed(to: [u8; KEY], bytes: &[u8]) -> Vec<u8> {
		let sender = SecretKey::from([9; KEY]);
		let nonce = [5; NONCE];
		let boxed =
			SalsaBox::new(&PublicKey::from(to), &sender).encrypt(&nonce.into(), bytes).unwrap();
		[sender.public_key().as_bytes(), &nonce[..], &boxed].concat()
	}

	#[test]
	fn a_box_for_the_key_is_read_also_after_a_restart() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("key");
		let public = Mailbox::open(&path).unwrap().public();
		let mailbox = Mailbox::open(&path).unwrap();
		assert_eq!(mailbox.public(), public);
		let message = sealed(public, &[&[1; 31][..], b"image"].concat());
		let opening = mailbox.read(&message).unwrap().unwrap();
		assert_eq!((opening.salt, &opening.input[..]), ([1; 31], &b"image"[..]));
		assert!(mailbox.read(&sealed(public, &[1; 30])).unwrap().is_err());
	}

	#[test]
	fn what_is_changed_short_or_for_another_key_is_refused() {
		let folder = tempfile::tempdir().unwrap();
		let mailbox = Mailbox::open(&folder.path().join("key")).unwrap();
		let message = sealed(mailbox.public(), &[1; 40]);
		for at in 0..message.len() {
			let mut other = message.clone();
			other[at] ^= 1;
			assert!(mailbox.read(&other).is_err(), "byte {at}");
			assert!(mailbox.read(&message[..at]).is_err(), "{at} bytes");
		}
		assert!(mailbox.read(&sealed([3; KEY], &[1; 40])).is_err());
	}

	#[test]
	fn a_file_that_is_no_key_is_named() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("key");
		fs::write(&path, [1; 5]).unwrap();
		let error = Mailbox::open(&path).err().unwrap().to_string();
		assert!(error.contains("32 bytes") && error.contains("key"), "{error}");
	}
}
