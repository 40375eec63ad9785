//! Reading and writing files, with the path in every error.

use std::{
	fs,
	io::Write,
	path::{Path, PathBuf},
};
use zeroize::Zeroizing;
use zkonnx::{
	privacy::SALT_BYTES,
	quantize::{Format, Rows},
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
	let mut name = path.file_name().unwrap_or_default().to_os_string();
	name.push(format!(".{}.tmp", std::process::id()));
	let temporary = path.with_file_name(name);
	let failed = |error: std::io::Error| unwritten(path, &error);
	let written = fs::File::create(&temporary).map_err(failed).and_then(|mut file| {
		let value = fill(&mut file).map_err(Into::into)?;
		file.sync_all().and_then(|()| fs::rename(&temporary, path)).map_err(failed)?;
		Ok(value)
	});
	if written.is_err() {
		let _ = fs::remove_file(&temporary);
	}
	written
}

/// Writes a new file that nobody else can read, where the system has such a notion.
pub(crate) fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
	let mut options = fs::OpenOptions::new();
	options.write(true).create_new(true);
	#[cfg(unix)]
	std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
	let written = options.open(path).and_then(|mut file| {
		file.write_all(bytes)?;
		file.sync_all()
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

/// A file to read piece by piece.
pub(crate) fn open(path: &Path) -> Result<std::io::BufReader<fs::File>, Failure> {
	fs::File::open(path)
		.map(std::io::BufReader::new)
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
