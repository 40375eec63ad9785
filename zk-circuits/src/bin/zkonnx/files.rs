//! Reading and writing files, with the path in every error.

use std::{
	fs,
	io::{BufReader, Read, Seek, Write},
	path::{Path, PathBuf},
};
use zeroize::Zeroizing;
use zkonnx::{
	ceremony::{CeremonyError, Status},
	privacy::SALT_BYTES,
	quantize::{Format, Rows},
	rand::{rngs::OsRng, RngCore},
	statement, Network, Opening, ProvingKey, VerifyingKey,
};

/// What a command fails with: one sentence.
pub(crate) type Failure = Box<dyn std::error::Error>;

/// The bytes of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
	fs::read(path).map_err(|error| format!("can not read {}: {error}", path.display()).into())
}

/// Prefixes an error with the path that it is about.
pub(crate) fn about<T, E: std::fmt::Display>(
	path: &Path,
	result: Result<T, E>,
) -> Result<T, Failure> {
	result.map_err(|error| format!("{}: {error}", path.display()).into())
}

/// Fails if a file is there and `force` is not given. Asked before long work, not after.
pub(crate) fn check_absent(path: &Path, force: bool) -> Result<(), Failure> {
	match path.exists() && !force {
		true => Err(format!("{} exists; --force overwrites it", path.display()).into()),
		false => Ok(()),
	}
}

/// Writes a file under another name, then renames it, so that no one ever sees half of it.
pub(crate) fn write(path: &Path, bytes: &[u8], force: bool) -> Result<(), Failure> {
	check_absent(path, force)?;
	replace(path, |file| file.write_all(bytes).map_err(|error| unwritten(path, &error)))
}

/// Makes a folder, and those that it lies in, if they are not there.
pub(crate) fn make_folder(path: &Path) -> Result<(), Failure> {
	fs::create_dir_all(path)
		.map_err(|error| format!("can not make the folder {}: {error}", path.display()).into())
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
	format!("can not write {}: {error}", path.display()).into()
}

/// Replaces a file by what `fill` writes, or leaves it alone if that fails.
pub(crate) fn replace<T, E: Into<Failure>>(
	path: &Path,
	fill: impl FnOnce(&mut fs::File) -> Result<T, E>,
) -> Result<T, Failure> {
	replace_if(path, fill, || Ok(()))
}

/// The same, if `check` still agrees when all is written.
fn replace_if<T, E: Into<Failure>>(
	path: &Path,
	fill: impl FnOnce(&mut fs::File) -> Result<T, E>,
	check: impl FnOnce() -> Result<(), Failure>,
) -> Result<T, Failure> {
	let mode = mode(path).unwrap_or(0o666);
	let mut temporary = Temporary::beside(path, mode).map_err(|error| unwritten(path, &error))?;
	let value = fill(&mut temporary.file).map_err(Into::into)?;
	let synced = temporary.file.sync_all();
	synced.map_err(|error| unwritten(path, &error))?;
	check()?;
	fs::rename(&temporary.path, path).map_err(|error| unwritten(path, &error))?;
	Ok(value)
}

/// Writes a new file that nobody else can read, where the system has such a notion.
pub(crate) fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
	let written = Temporary::beside(path, 0o600).and_then(|mut temporary| {
		temporary.file.write_all(bytes)?;
		temporary.file.sync_all()?;
		// Unlike a renaming, a link never takes the place of another file. Some memory sticks know
		// no links.
		match fs::hard_link(&temporary.path, path) {
			Err(_) if !path.exists() => fs::rename(&temporary.path, path),
			linked => linked,
		}
	});
	written.map_err(|error| unwritten(path, &error))
}

/// An opening as it is kept in files: JSON of hexadecimal digits.
#[derive(serde::Deserialize)]
struct OpeningFile<'a> {
	salt: &'a str,
	holder: &'a str,
}

/// An opening.
pub(crate) fn opening(path: &Path) -> Result<Opening, Failure> {
	let text = Zeroizing::new(read(path)?);
	// The error of the reader could quote the salt.
	let file: OpeningFile = about(
		path,
		serde_json::from_slice(&text).map_err(|_| "an opening is JSON with salt and holder"),
	)?;
	let mut salt = Zeroizing::new([0; SALT_BYTES]);
	let digits = hex::decode_to_slice(file.salt, &mut *salt);
	about(path, digits.map_err(|_| "the salt must be 62 hexadecimal digits"))?;
	let holder = about(path, crate::commands::parse_scalar("holder", file.holder))?;
	Ok(Opening::new(*salt, holder))
}

/// Writes a new opening.
pub(crate) fn write_opening(path: &Path, opening: &Opening) -> Result<(), Failure> {
	let salt = Zeroizing::new(hex::encode(*Zeroizing::new(opening.salt())));
	let holder = hex::encode(statement::scalar_to_bytes(opening.holder()));
	let text = Zeroizing::new(format!("{{\"salt\":\"{}\",\"holder\":\"{holder}\"}}\n", *salt));
	write_secret(path, text.as_bytes())
}

/// The permissions of a file, if there is one.
fn mode(path: &Path) -> Option<u32> {
	#[cfg(unix)]
	return Some(std::os::unix::fs::MetadataExt::mode(&fs::metadata(path).ok()?) & 0o777);
	#[cfg(not(unix))]
	return path.exists().then_some(0o666);
}

/// A file of its own name beside another. The name is gone at the end, whatever happens.
struct Temporary {
	path: PathBuf,
	file: fs::File,
}

impl Temporary {
	fn beside(path: &Path, mode: u32) -> std::io::Result<Self> {
		let mut name = path.file_name().unwrap_or_default().to_os_string();
		name.push(format!(".{:016x}.tmp", OsRng.next_u64()));
		let path = path.with_file_name(name);
		let mut options = fs::OpenOptions::new();
		options.write(true).create_new(true);
		#[cfg(unix)]
		std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
		#[cfg(not(unix))]
		let _ = mode;
		let file = options.open(&path)?;
		Ok(Self { path, file })
	}
}

impl Drop for Temporary {
	fn drop(&mut self) {
		// It is not there if it was renamed.
		let _ = fs::remove_file(&self.path);
	}
}

/// A ceremony's file that one command at a time works on, and replaces.
///
/// The lock is the file's, of which another takes the place. So whoever opened it before and locked
/// it after works on what is out of date, as on a system that knows no locks; before the file is
/// replaced, its head is compared with the one that was read.
pub(crate) struct Exclusive<'a> {
	path: &'a Path,
	file: fs::File,
	peek: Peek,
	head: [u8; 32],
}

/// Reads where a ceremony stands.
type Peek = fn(&mut dyn Read) -> Result<Status, CeremonyError>;

impl<'a> Exclusive<'a> {
	/// Opens a file, and fails if another command works on it.
	pub(crate) fn open(path: &'a Path, peek: Peek) -> Result<Self, Failure> {
		let failed = |error| format!("can not change {}: {error}", path.display());
		let file = fs::OpenOptions::new().read(true).write(true).open(path).map_err(failed)?;
		match file.try_lock() {
			Ok(()) => (),
			Err(fs::TryLockError::WouldBlock) => {
				let path = path.display();
				return Err(format!("another command works on {path}; run this one later").into());
			},
			Err(fs::TryLockError::Error(error)) => return Err(failed(error).into()),
		}
		let head = about(path, peek(&mut BufReader::new(&file)))?.hash;
		Ok(Self { path, file, peek, head })
	}

	/// The file from its beginning, to read piece by piece.
	pub(crate) fn reader(&self) -> Result<BufReader<&fs::File>, Failure> {
		let mut reader = BufReader::new(&self.file);
		about(self.path, reader.rewind())?;
		Ok(reader)
	}

	/// Replaces the file by what `fill` writes, or leaves it alone if that fails, or if it is no
	/// longer the file that was opened.
	pub(crate) fn replace<T, E: Into<Failure>>(
		&self,
		fill: impl FnOnce(&mut fs::File) -> Result<T, E>,
	) -> Result<T, Failure> {
		replace_if(self.path, fill, || {
			let now = about(self.path, (self.peek)(&mut open(self.path)?))?;
			match now.hash == self.head {
				true => Ok(()),
				false => {
					let path = self.path.display();
					Err(format!("{path} has changed meanwhile; run the command again").into())
				},
			}
		})
	}
}

/// A file to read piece by piece.
pub(crate) fn open(path: &Path) -> Result<BufReader<fs::File>, Failure> {
	fs::File::open(path)
		.map(BufReader::new)
		.map_err(|error| format!("can not read {}: {error}", path.display()).into())
}

/// A provable model.
pub(crate) fn network(path: &Path) -> Result<Network, Failure> {
	about(path, Network::from_onnx(&read(path)?))
}

/// A proving key; `checked` is whether every point is validated.
pub(crate) fn proving_key(path: &Path, checked: bool) -> Result<ProvingKey, Failure> {
	let bytes = read(path)?;
	about(
		path,
		if checked {
			ProvingKey::from_bytes(&bytes)
		} else {
			ProvingKey::from_trusted_bytes(&bytes)
		},
	)
}

/// A verifying key.
pub(crate) fn verifying_key(path: &Path) -> Result<VerifyingKey, Failure> {
	about(path, VerifyingKey::from_bytes(&read(path)?))
}

/// The format that a file name ends in.
pub(crate) fn format(path: &Path) -> Result<Format, Failure> {
	Format::of_name(&path.to_string_lossy())
		.ok_or_else(|| format!("{}: the name must end in .u8, .f32 or .csv", path.display()).into())
}

/// Rows of real numbers.
pub(crate) fn rows(path: &Path, row_len: usize) -> Result<Rows, Failure> {
	about(path, Rows::read(format(path)?, &read(path)?, row_len))
}

/// Input tensors for a network, one per row: `.u8` as it is, other formats through the scales that
/// the model records, or as integers if it records none.
pub(crate) fn inputs(path: &Path, network: &Network) -> Result<Vec<Vec<u8>>, Failure> {
	let rows = rows(path, network.input().elements())?;
	let raw = format(path)? == Format::U8;
	let scales = network.scales().filter(|_| !raw);
	(0..rows.len())
		.map(|index| {
			let row = rows.row(index);
			match scales {
				Some(scales) => Ok(scales.quantize_input(&row)),
				None => row
					.iter()
					.map(|&x| {
						let exact = x.fract() == 0.0 && (0.0..=255.0).contains(&x);
						exact.then_some(x as u8).ok_or_else(|| {
							let path = path.display();
							format!("{path}: row {index} has {x}; this model takes 0 to 255").into()
						})
					})
					.collect(),
			}
		})
		.collect()
}

/// One of the input tensors in a file.
pub(crate) fn input(path: &Path, network: &Network, row: usize) -> Result<Vec<u8>, Failure> {
	let mut rows = inputs(path, network)?;
	match row < rows.len() {
		true => Ok(rows.swap_remove(row)),
		false => Err(format!(
			"{} has {} rows; row {row} was asked for (the first is 0)",
			path.display(),
			rows.len()
		)
		.into()),
	}
}

/// A line about progress.
pub(crate) fn progress(line: impl std::fmt::Display) {
	eprintln!("{line}");
}

/// The default of an output path: another one with its last extension replaced.
pub(crate) fn beside(path: &Path, extension: &str) -> PathBuf {
	path.with_extension(extension)
}

#[cfg(test)]
mod tests {
	use super::*;
	use tempfile::TempDir;

	/// A folder with a file in it, and the names of all files there.
	fn folder(contents: &[u8]) -> (TempDir, PathBuf) {
		let folder = TempDir::new().expect("a folder");
		let path = folder.path().join("file");
		fs::write(&path, contents).expect("written");
		(folder, path)
	}

	fn names(folder: &TempDir) -> Vec<String> {
		let entries = fs::read_dir(folder.path()).expect("a folder");
		let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
		entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect()
	}

	/// The head of a file is its first byte.
	fn peek(input: &mut dyn Read) -> Result<Status, CeremonyError> {
		let mut byte = [0];
		input.read_exact(&mut byte).map_err(|_| CeremonyError::Truncated)?;
		let (terms, records) = (None, Vec::new());
		let (contributions, closed, finished) = (0, false, false);
		Ok(Status { hash: [byte[0]; 32], terms, contributions, records, closed, finished })
	}

	fn append(file: &Exclusive, text: &[u8]) -> Result<(), Failure> {
		let mut bytes = Vec::new();
		file.reader()?.read_to_end(&mut bytes)?;
		file.replace(|output| output.write_all(&[&bytes, text].concat()))
	}

	#[test]
	fn one_command_at_a_time_works_on_a_file() {
		let (folder, path) = folder(b"1");
		let first = Exclusive::open(&path, peek).expect("nobody else");
		let error = Exclusive::open(&path, peek).map(|_| ()).expect_err("in use").to_string();
		assert!(error.contains("another command works on"), "{error}");
		append(&first, b"2").expect("the first");
		drop(first);
		append(&Exclusive::open(&path, peek).expect("free again"), b"3").expect("the next");
		assert_eq!(fs::read(&path).expect("a file"), b"123");
		assert_eq!(names(&folder), ["file"]);
	}

	#[test]
	fn what_somebody_else_writes_meanwhile_is_not_lost() {
		let elsewhere: [fn(&Path); 2] = [
			|path| fs::write(path, b"9 copied over").expect("written"),
			|path| write(path, b"9 renamed", true).expect("replaced"),
		];
		for change in elsewhere {
			let (folder, path) = folder(b"1");
			let file = Exclusive::open(&path, peek).expect("nobody else");
			let lost = file.replace(|output| {
				change(&path);
				output.write_all(b"1 and more")
			});
			let error = lost.expect_err("it changed").to_string();
			assert!(error.contains("has changed meanwhile"), "{error}");
			assert_eq!(fs::read(&path).expect("a file")[0], b'9');
			assert_eq!(names(&folder), ["file"]);
		}
	}

	#[test]
	fn failures_leave_the_file_and_nothing_else() {
		let (folder, path) = folder(b"1");
		let failed = replace(&path, |output| -> Result<(), Failure> {
			output.write_all(b"half")?;
			Err("no".into())
		});
		assert_eq!(failed.expect_err("it failed").to_string(), "no");
		let panicked = std::panic::catch_unwind(|| {
			replace(&path, |_| -> Result<(), Failure> { panic!("a bug") })
		});
		assert!(panicked.is_err());
		assert_eq!(fs::read(&path).expect("a file"), b"1");
		assert_eq!(names(&folder), ["file"]);
	}

	#[test]
	fn secrets_are_new_files() {
		let (folder, path) = folder(b"1");
		let error = write_secret(&path, b"secret").expect_err("there is one").to_string();
		assert!(error.contains("can not write"), "{error}");
		assert_eq!(fs::read(&path).expect("a file"), b"1");
		let path = folder.path().join("secret");
		write_secret(&path, b"secret").expect("a new file");
		assert_eq!(fs::read(&path).expect("a file"), b"secret");
		assert_eq!(names(&folder).len(), 2);
	}

	#[cfg(unix)]
	#[test]
	fn what_nobody_else_could_read_nobody_else_can() {
		let (folder, path) = folder(b"1");
		let secret = folder.path().join("secret");
		write_secret(&secret, b"secret").expect("a new file");
		assert_eq!(mode(&secret), Some(0o600));
		let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
		fs::set_permissions(&path, private).expect("my own file");
		let meanwhile = replace(&path, |_| -> Result<_, Failure> {
			let temporary = names(&folder).into_iter().find(|name| name.ends_with(".tmp"));
			Ok(mode(&folder.path().join(temporary.expect("the file"))))
		});
		assert_eq!(meanwhile.expect("written"), Some(0o600));
		assert_eq!(mode(&path), Some(0o600));
	}
}
