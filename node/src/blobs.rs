//! The blob store of a node, and the command that reads and writes it.

mod fetch;

use crate::cli::Cli;
use aimodel_inference::{blobs::DEFAULT_MAX_BLOB_BYTES, BlobStore};
use aimodel_primitives::BlobHash;
use sc_cli::{SharedParams, SubstrateCli};
use sc_service::BasePath;
use std::{
	fs::File,
	io::{self, Write},
	path::{Path, PathBuf},
	str::FromStr,
};

/// Opens the blob store of a chain whose data lie in `chain_path`.
pub(crate) fn open(chain_path: &Path) -> Result<BlobStore, sc_cli::Error> {
	BlobStore::open(chain_path.join("blobs"), DEFAULT_MAX_BLOB_BYTES)
		.map_err(|error| sc_cli::Error::Application(error.into()))
}

/// `blob put | get | list`, for which the node need not run, and may; `blob fetch` asks one that runs.
#[derive(Debug, clap::Args)]
pub(crate) struct BlobCmd {
	#[command(subcommand)]
	action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
	/// Store a file and print its hash.
	Put {
		/// The file.
		file: PathBuf,

		#[clap(flatten)]
		shared: SharedParams,
	},

	/// Write a blob to the standard output or to a file.
	Get {
		/// The hash: `0x` and 64 hexadecimal digits, or the digits alone.
		#[arg(value_parser = parse_hash)]
		hash: BlobHash,

		/// The file to write; an existing one is replaced.
		#[arg(long, short, value_name = "FILE")]
		output: Option<PathBuf>,

		#[clap(flatten)]
		shared: SharedParams,
	},

	/// Have a running node get a blob from other nodes of its chain.
	Fetch {
		/// The hash: `0x` and 64 hexadecimal digits, or the digits alone.
		#[arg(value_parser = parse_hash)]
		hash: BlobHash,

		/// The node's RPC; it has to take unsafe calls from here.
		#[arg(long, default_value = "http://127.0.0.1:9944")]
		url: String,
	},

	/// Print the hash and the size in bytes of every blob.
	List {
		#[clap(flatten)]
		shared: SharedParams,
	},
}

impl BlobCmd {
	/// Does it.
	pub(crate) fn run(&self, cli: &Cli) -> sc_cli::Result<()> {
		let failed = |error: aimodel_inference::BlobError| sc_cli::Error::Application(error.into());
		match &self.action {
			Action::Put { file, shared } => {
				let mut reader = File::open(file).map_err(|error| at(file, error))?;
				let hash = store(cli, shared)?.put_reader(&mut reader).map_err(failed)?;
				writeln!(io::stdout(), "{hash:?}")?;
			},
			Action::Get { hash, output, shared } => {
				let bytes = store(cli, shared)?.get(hash).map_err(failed)?;
				match output {
					Some(file) => std::fs::write(file, bytes).map_err(|error| at(file, error))?,
					None => io::stdout().lock().write_all(&bytes)?,
				}
			},
			Action::Fetch { hash, url } => {
				let tell = |received, length| {
					if length > 0 {
						eprintln!("{received} of {length} bytes");
					}
				};
				sc_cli::build_runtime()?
					.block_on(fetch::fetch(url, *hash, tell))
					.map_err(|error| sc_cli::Error::Application(error.into()))?;
				writeln!(io::stdout(), "{hash:?}")?;
			},
			Action::List { shared } => {
				let mut out = io::stdout().lock();
				for (hash, size) in store(cli, shared)?.list().map_err(failed)? {
					writeln!(out, "{hash:?} {size}")?;
				}
			},
		}
		Ok(())
	}
}

/// The blob store of the chain that the parameters name.
fn store(cli: &Cli, shared: &SharedParams) -> sc_cli::Result<BlobStore> {
	if shared.dev && shared.base_path.is_none() {
		return Err(sc_cli::Error::Input(
			"with --dev, give --base-path too: without it a node keeps its blobs in a folder of its \
			 own, which is gone when it ends; use its RPC instead"
				.into(),
		));
	}
	let spec = cli.load_spec(&shared.chain_id(shared.is_dev()))?;
	let base_path = shared
		.base_path()?
		.unwrap_or_else(|| BasePath::from_project("", "", &Cli::executable_name()));
	open(&base_path.config_dir(spec.id()))
}

/// Adds the path to an error of the file system.
fn at(path: &Path, error: io::Error) -> sc_cli::Error {
	sc_cli::Error::Input(format!("{}: {error}", path.display()))
}

fn parse_hash(text: &str) -> Result<BlobHash, String> {
	BlobHash::from_str(text)
		.map_err(|error| format!("{error}; wanted are 64 hexadecimal digits, with or without `0x`"))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn hashes_are_read_with_and_without_prefix() {
		let digits = "ab".repeat(32);
		assert_eq!(parse_hash(&digits), Ok(BlobHash::repeat_byte(0xab)));
		assert_eq!(parse_hash(&format!("0x{digits}")), Ok(BlobHash::repeat_byte(0xab)));
		for wrong in ["", "0x", "0xab", &format!("{digits}ab"), &"zz".repeat(32)] {
			assert!(parse_hash(wrong).unwrap_err().contains("64 hexadecimal digits"), "{wrong}");
		}
	}
}
