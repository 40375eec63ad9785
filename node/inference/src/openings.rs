//! What customers tell a worker of their commitments, and nobody else may know.
//!
//! A file for each opening, named by its [`OpeningId`] (64 hexadecimal digits) and holding the salt and
//! the tensor's bytes, in a folder that only the node's user may read. It appears by a rename, so it
//! is there whole or not at all, and stays for longer than any request: once a lease was accepted, a
//! lost opening would cost the worker its bond. How it comes here is [`mailbox`].

pub mod mailbox;

use aimodel_primitives::{
	privacy::{Commitment, OpeningId, Privacy, Visibility},
	statement::Scalar,
	tensor::{ElementType, Interface, TensorType},
};
use parking_lot::Mutex;
use std::{
	fs::{self, DirBuilder, OpenOptions},
	io::{self, Write},
	os::unix::fs::{DirBuilderExt, OpenOptionsExt},
	path::{Path, PathBuf},
	time::Duration,
};
use zkonnx::{
	privacy as circuit,
	statement::{scalar_from_bytes, scalar_to_bytes, StatementError},
};

/// How long an opening is kept. The latest deadline of a request is a day of blocks.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// The most openings that are kept. Only leased requests have one, so that a full store means that
/// something is wrong.
const MAX_OPENINGS: usize = 4096;

/// Bytes of a salt.
const SALT: usize = 31;

/// The opening of a request's commitment.
#[derive(Clone, Eq, PartialEq)]
pub struct Opening {
	/// What keeps the commitment from being guessed.
	pub salt: [u8; SALT],
	/// The tensor's bytes; empty where the input is public.
	pub input: Vec<u8>,
}

/// Why an opening is refused.
#[derive(Debug, thiserror::Error)]
pub enum OpeningError {
	/// Too short for a salt.
	#[error("an opening begins with a salt of {SALT} bytes; these are {0}")]
	Length(usize),
	/// The tensor has another length.
	#[error("the opening's input has {found} bytes; the model takes {expected}")]
	InputLength {
		/// What the interface says, or nothing where the input is public.
		expected: u64,
		/// What came.
		found: u64,
	},
	/// The input can not be committed to.
	#[error("the commitment can not be made again: {0}")]
	Statement(#[from] StatementError),
	/// It opens another commitment: another salt, customer or input.
	#[error("this opens the commitment 0x{found}, not 0x{expected}: another salt, customer or input", found = hex::encode(.found), expected = hex::encode(.expected))]
	Mismatch {
		/// The commitment on the chain.
		expected: Scalar,
		/// What the opening commits to.
		found: Scalar,
	},
	/// No such opening.
	#[error("the request's commitment was not opened to this node: there is no opening 0x{}", hex::encode(.0))]
	NotFound(OpeningId),
	/// There are as many as are kept.
	#[error("{MAX_OPENINGS} openings are here, and no more are kept")]
	Full,
	/// The file system refused.
	#[error("{path}: {source}")]
	Io {
		/// The file or folder.
		path: PathBuf,
		/// The reason.
		source: io::Error,
	},
}

impl OpeningError {
	/// Adds the path to an error of the file system.
	fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
		move |source| Self::Io { path: path.into(), source }
	}
}

impl Opening {
	/// Reads what [`Self::to_bytes`] writes.
	pub fn from_bytes(bytes: &[u8]) -> Result<Self, OpeningError> {
		let (salt, input) = bytes.split_first_chunk().ok_or(OpeningError::Length(bytes.len()))?;
		Ok(Self { salt: *salt, input: input.to_vec() })
	}

	/// The salt, then the tensor's bytes.
	pub fn to_bytes(&self) -> Vec<u8> {
		[&self.salt[..], &self.input].concat()
	}

	/// Checks that this opens a commitment.
	pub fn check(
		&self,
		interface: &Interface,
		privacy: Privacy,
		commitment: &Commitment,
	) -> Result<(), OpeningError> {
		let expected = match privacy.input {
			Visibility::Committed => interface.input.bytes(1),
			Visibility::Public => 0,
		};
		let found = self.input.len() as u64;
		if found != expected {
			return Err(OpeningError::InputLength { expected, found });
		}
		let opening = self.for_circuit(&commitment.holder)?;
		let input = (&circuit_tensor(&interface.input), &self.input[..]);
		let found = scalar_to_bytes(opening.commit(circuit_privacy(privacy), input)?);
		match found == commitment.scalar {
			true => Ok(()),
			false => Err(OpeningError::Mismatch { expected: commitment.scalar, found }),
		}
	}

	/// What the prover wants of it.
	pub(crate) fn for_circuit(&self, holder: &Scalar) -> Result<circuit::Opening, StatementError> {
		Ok(circuit::Opening::new(self.salt, scalar_from_bytes(holder)?))
	}
}

/// The chain's modes in the words of the circuit compiler.
pub(crate) fn circuit_privacy(privacy: Privacy) -> circuit::Privacy {
	let visibility = |of| match of {
		Visibility::Public => circuit::Visibility::Public,
		Visibility::Committed => circuit::Visibility::Committed,
	};
	circuit::Privacy { input: visibility(privacy.input), output: visibility(privacy.output) }
}

/// A tensor in the words of the circuit compiler: what packs the same.
fn circuit_tensor(tensor: &TensorType) -> zkonnx::TensorType {
	let element = match tensor.element {
		ElementType::U8 => zkonnx::ElementType::U8,
		ElementType::I8 => zkonnx::ElementType::I8,
		ElementType::I32 | ElementType::F32 => zkonnx::ElementType::I32,
		ElementType::I64 => zkonnx::ElementType::I64,
	};
	let elements = usize::try_from(tensor.elements(1).max).unwrap_or(usize::MAX);
	zkonnx::TensorType { element, shape: vec![elements] }
}

/// A folder of openings.
#[derive(Debug)]
pub struct OpeningStore {
	root: PathBuf,
	writing: Mutex<()>,
}

impl OpeningStore {
	/// Opens the store in `root`; creates the folder if need be, for this user alone.
	pub fn open(root: impl Into<PathBuf>) -> Result<Self, OpeningError> {
		let root = root.into();
		DirBuilder::new()
			.recursive(true)
			.mode(0o700)
			.create(&root)
			.map_err(OpeningError::io(&root))?;
		let store = Self { root, writing: Mutex::default() };
		store.sweep()?;
		Ok(store)
	}

	/// Keeps an opening that was checked. Keeping it again changes nothing.
	pub fn put(&self, id: &OpeningId, opening: &Opening) -> Result<(), OpeningError> {
		let _one_at_a_time = self.writing.lock();
		if self.contains(id) {
			return Ok(());
		}
		if self.sweep()? >= MAX_OPENINGS {
			return Err(OpeningError::Full);
		}
		let path = self.path(id);
		let partial = path.with_extension("partial");
		let write = || {
			let mut options = OpenOptions::new();
			let mut file =
				options.write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
			file.write_all(&opening.to_bytes())?;
			file.sync_all()?;
			fs::rename(&partial, &path)
		};
		write().map_err(OpeningError::io(&path))
	}

	/// The opening of this name.
	pub fn get(&self, id: &OpeningId) -> Result<Opening, OpeningError> {
		let path = self.path(id);
		match fs::read(&path) {
			Ok(bytes) => Opening::from_bytes(&bytes),
			Err(error) if error.kind() == io::ErrorKind::NotFound => {
				Err(OpeningError::NotFound(*id))
			},
			Err(error) => Err(OpeningError::io(&path)(error)),
		}
	}

	/// Whether the opening of this name is here.
	pub fn contains(&self, id: &OpeningId) -> bool {
		self.path(id).is_file()
	}

	fn path(&self, id: &OpeningId) -> PathBuf {
		self.root.join(hex::encode(id))
	}

	/// Removes what has been here for longer than any request; returns how many are left.
	fn sweep(&self) -> Result<usize, OpeningError> {
		let mut left = 0usize;
		for entry in fs::read_dir(&self.root).map_err(OpeningError::io(&self.root))? {
			let entry = entry.map_err(OpeningError::io(&self.root))?;
			let age =
				entry.metadata().and_then(|it| it.modified()).ok().and_then(|it| it.elapsed().ok());
			match age {
				// One that another thread has just removed is gone as well.
				Some(age) if age > KEPT => drop(fs::remove_file(entry.path())),
				_ => left = left.saturating_add(1),
			}
		}
		Ok(left)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::{fs::File, os::unix::fs::PermissionsExt, time::SystemTime};

	const BOTH: Privacy = Privacy { input: Visibility::Committed, output: Visibility::Committed };
	const OUTPUT: Privacy = Privacy { input: Visibility::Public, output: Visibility::Committed };
	const HOLDER: Scalar = [1; 32];

	fn interface() -> Interface {
		Interface {
			input: TensorType::fixed(ElementType::U8, &[1, 64]).unwrap(),
			output: TensorType::fixed(ElementType::I32, &[1, 10]).unwrap(),
		}
	}

	fn opening(input: &[u8]) -> Opening {
		Opening { salt: [7; SALT], input: input.to_vec() }
	}

	/// What the opening commits to, as the refusal of another commitment says.
	fn commitment(opening: &Opening, privacy: Privacy) -> Scalar {
		let commitment = Commitment { scalar: [0; 32], holder: HOLDER };
		match opening.check(&interface(), privacy, &commitment) {
			Err(OpeningError::Mismatch { found, .. }) => found,
			other => panic!("expected a mismatch, found {other:?}"),
		}
	}

	#[test]
	fn an_opening_opens_its_commitment_alone() {
		for (privacy, input) in [(BOTH, &[3; 64][..]), (OUTPUT, &[])] {
			let opening = opening(input);
			let right = commitment(&opening, privacy);
			let check = |opening: &Opening, holder: Scalar| {
				let commitment = Commitment { scalar: right, holder };
				opening.check(&interface(), privacy, &commitment)
			};
			check(&opening, HOLDER).unwrap();
			let other_salt = Opening { salt: [8; SALT], ..opening.clone() };
			assert!(matches!(check(&other_salt, HOLDER), Err(OpeningError::Mismatch { .. })));
			assert!(matches!(check(&opening, [2; 32]), Err(OpeningError::Mismatch { .. })));
			assert!(matches!(check(&opening, [0xff; 32]), Err(OpeningError::Statement(_))));
			let longer = Opening { input: [&opening.input[..], &[0]].concat(), ..opening.clone() };
			assert!(matches!(check(&longer, HOLDER), Err(OpeningError::InputLength { .. })));
		}
		let (one, other) = (opening(&[3; 64]), opening(&[4; 64]));
		assert_ne!(commitment(&one, BOTH), commitment(&other, BOTH));
	}

	#[test]
	fn what_was_put_is_there_after_a_restart_for_this_user_alone() {
		let folder = tempfile::tempdir().unwrap();
		let root = folder.path().join("openings");
		let store = OpeningStore::open(&root).unwrap();
		assert!(!store.contains(&[1; 32]));
		assert!(matches!(store.get(&[1; 32]), Err(OpeningError::NotFound(_))));
		store.put(&[1; 32], &opening(&[5; 3])).unwrap();
		store.put(&[1; 32], &opening(&[6; 3])).unwrap();
		drop(store);
		let store = OpeningStore::open(&root).unwrap();
		assert!(store.contains(&[1; 32]));
		assert!(store.get(&[1; 32]).unwrap() == opening(&[5; 3]), "the first stays");
		let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
		assert_eq!((mode(&root), mode(&store.path(&[1; 32]))), (0o700, 0o600));
	}

	#[test]
	fn many_may_put_the_same_at_once() {
		let folder = tempfile::tempdir().unwrap();
		let store = OpeningStore::open(folder.path()).unwrap();
		std::thread::scope(|scope| {
			let put = || (0..50u8).for_each(|i| store.put(&[i; 32], &opening(&[i; 64])).unwrap());
			(0..4).for_each(|_| drop(scope.spawn(put)));
		});
		assert!((0..50u8).all(|i| store.get(&[i; 32]).unwrap() == opening(&[i; 64])));
	}

	#[test]
	fn old_openings_are_removed_and_their_number_is_bounded() {
		let folder = tempfile::tempdir().unwrap();
		let store = OpeningStore::open(folder.path()).unwrap();
		for i in 0..MAX_OPENINGS {
			File::create(folder.path().join(i.to_string())).unwrap();
		}
		assert!(matches!(store.put(&[1; 32], &opening(&[])), Err(OpeningError::Full)));
		let old = File::options().write(true).open(folder.path().join("0")).unwrap();
		old.set_modified(SystemTime::now() - KEPT - Duration::from_secs(1)).unwrap();
		store.put(&[1; 32], &opening(&[])).unwrap();
	}

	#[test]
	fn bytes_without_a_salt_are_no_opening() {
		assert!(matches!(Opening::from_bytes(&[0; SALT - 1]), Err(OpeningError::Length(30))));
		let opening = opening(&[1, 2]);
		assert!(Opening::from_bytes(&opening.to_bytes()).unwrap() == opening);
	}
}
