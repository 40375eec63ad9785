//! Which models there are, and which version a name means.

use super::{options::ModelOptions, served::Served, ServeError};
use crate::blobs;
use aimodel_primitives::ids::ArtifactHash;
use semver::Version;
use serde::{Deserialize, Deserializer};
use std::{
	collections::BTreeMap,
	fs::File,
	io::{self, Read},
	path::Path,
	sync::Arc,
};

/// The alias that means the highest version that is no pre-release, unless it is given.
pub const LATEST: &str = "latest";

/// The alias that a model without a default version is served by, if it has it.
pub const STABLE: &str = "stable";

/// A model and its versions, as an operator writes it down.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEntry {
	/// What clients call it: letters, digits, `-`, `_` and `.`.
	pub name: String,
	/// Its versions.
	pub versions: Vec<VersionEntry>,
	/// Other names of versions: `stable`, `latest`.
	#[serde(default, deserialize_with = "aliases_from_text")]
	pub aliases: BTreeMap<String, Version>,
	/// The version or alias that is served to whoever names none: `stable` if there is one, else
	/// `latest`.
	#[serde(default)]
	pub default: Option<String>,
	/// How it is served.
	#[serde(default)]
	pub options: ModelOptions,
}

/// One version of a model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionEntry {
	/// Its semantic version.
	#[serde(deserialize_with = "version_from_text")]
	pub version: Version,
	/// Where the file is: `file://`, `http(s)://`, `s3://BUCKET/KEY`, `ipfs://CID`, `blob://`; for a
	/// remote backend, the server and its model.
	pub uri: String,
	/// `blake2_256` of the file. What a remote backend runs can not be verified; there it is what
	/// the operator says.
	#[serde(deserialize_with = "hash_from_hex")]
	pub hash: ArtifactHash,
	/// Bytes of the file.
	pub bytes: u64,
}

fn version_from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Version, D::Error> {
	version::<D::Error>(&String::deserialize(deserializer)?)
}

fn aliases_from_text<'de, D: Deserializer<'de>>(
	deserializer: D,
) -> Result<BTreeMap<String, Version>, D::Error> {
	let aliases = BTreeMap::<String, String>::deserialize(deserializer)?;
	aliases.into_iter().map(|(alias, text)| Ok((alias, version::<D::Error>(&text)?))).collect()
}

fn version<E: serde::de::Error>(text: &str) -> Result<Version, E> {
	Version::parse(text)
		.map_err(|error| E::custom(format!("`{text}` is no semantic version: {error}")))
}

fn hash_from_hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ArtifactHash, D::Error> {
	let text = String::deserialize(deserializer)?;
	let mut hash = ArtifactHash::zero();
	hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(&text), hash.as_mut()).map_err(
		|error| {
			serde::de::Error::custom(format!(
				"`{text}` is no hash of 64 hexadecimal digits: {error}"
			))
		},
	)?;
	Ok(hash)
}

impl ModelEntry {
	/// A model of one version, from a file whose content is taken as it is now.
	pub fn of_file(
		name: impl Into<String>,
		version: Version,
		path: &Path,
		options: ModelOptions,
	) -> io::Result<Self> {
		let path = path.canonicalize()?;
		let (mut hasher, mut bytes) = (blobs::hasher(), 0u64);
		let (mut file, mut chunk) = (File::open(&path)?, vec![0; 1 << 16]);
		loop {
			match file.read(&mut chunk)? {
				0 => break,
				n => {
					hasher.update(&chunk[..n]);
					bytes = bytes.saturating_add(n as u64);
				},
			}
		}
		let uri = url::Url::from_file_path(&path)
			.map_err(|()| io::Error::other(format!("{} has no URI", path.display())))?;
		let hash = blobs::finish(&hasher);
		let versions = vec![VersionEntry { version, uri: uri.into(), hash, bytes }];
		Ok(Self { name: name.into(), versions, aliases: BTreeMap::new(), default: None, options })
	}
}

/// Why a model is not taken into the repository.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RegisterError {
	/// The name is not one.
	#[error("`{0}` is no name of a model: 1 to 128 letters, digits, `-`, `_` and `.`")]
	Name(String),
	/// There is no version.
	#[error("the model `{0}` has no version")]
	NoVersion(String),
	/// The same version twice.
	#[error("the model `{model}` has the version {version} twice")]
	Twice {
		/// The model.
		model: String,
		/// The version.
		version: Version,
	},
	/// An alias or the default names nothing.
	#[error("`{alias}` of the model `{model}` names no version of it")]
	Dangling {
		/// The model.
		model: String,
		/// The alias, or `default`.
		alias: String,
	},
	/// The options contradict themselves.
	#[error("the options of the model `{model}`: {reason}")]
	Options {
		/// The model.
		model: String,
		/// What is wrong.
		reason: String,
	},
	/// No such backend.
	#[error("the model `{model}` asks for the backend `{backend}`; there are {known}")]
	Backend {
		/// The model.
		model: String,
		/// The backend.
		backend: String,
		/// What there is.
		known: String,
	},
	/// A model of that name is there already.
	#[error("there is a model `{0}` already; remove it first")]
	Known(String),
	/// The server stops.
	#[error("the server is stopping")]
	Stopping,
}

/// A model in the repository.
pub(super) struct Versions {
	versions: BTreeMap<Version, Arc<Served>>,
	aliases: BTreeMap<String, Version>,
	default: Version,
}

impl Versions {
	pub(super) fn new(
		entry: &ModelEntry,
		served: impl Fn(&VersionEntry) -> Arc<Served>,
	) -> Result<Self, RegisterError> {
		let model = || entry.name.clone();
		let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
		if entry.name.is_empty() || entry.name.len() > 128 || !entry.name.chars().all(known) {
			return Err(RegisterError::Name(model()));
		}
		let mut versions = BTreeMap::new();
		for version in &entry.versions {
			if versions.insert(version.version.clone(), served(version)).is_some() {
				let version = version.version.clone();
				return Err(RegisterError::Twice { model: model(), version });
			}
		}
		let highest = versions.keys().rev().find(|version| version.pre.is_empty());
		let Some(latest) = highest.or(versions.keys().next_back()).cloned() else {
			return Err(RegisterError::NoVersion(model()));
		};
		let mut aliases = entry.aliases.clone();
		aliases.entry(LATEST.into()).or_insert(latest);
		if let Some((alias, _)) = aliases.iter().find(|(_, it)| !versions.contains_key(*it)) {
			return Err(RegisterError::Dangling { model: model(), alias: alias.clone() });
		}
		let fallback = || aliases.get(STABLE).or(aliases.get(LATEST)).cloned();
		let default = match &entry.default {
			None => fallback(),
			Some(name) => find(&versions, &aliases, name),
		};
		let Some(default) = default else {
			return Err(RegisterError::Dangling { model: model(), alias: "default".into() });
		};
		Ok(Self { versions, aliases, default })
	}

	/// The version that is meant: by its number, by the first parts of it, or by an alias.
	pub(super) fn resolve(
		&self,
		model: &str,
		version: Option<&str>,
	) -> Result<&Arc<Served>, ServeError> {
		let found = match version {
			None | Some("") => Some(self.default.clone()),
			Some(version) => find(&self.versions, &self.aliases, version),
		};
		found.and_then(|found| self.versions.get(&found)).ok_or_else(|| {
			ServeError::UnknownVersion {
				name: model.into(),
				version: version.unwrap_or_default().into(),
				known: self.names().join(", "),
			}
		})
	}

	pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Served>> {
		self.versions.values()
	}

	fn names(&self) -> Vec<String> {
		let versions = self.versions.keys().map(Version::to_string);
		let aliases = self.aliases.iter().map(|(alias, version)| format!("{alias} ({version})"));
		versions.chain(aliases).collect()
	}
}

fn find(
	versions: &BTreeMap<Version, Arc<Served>>,
	aliases: &BTreeMap<String, Version>,
	name: &str,
) -> Option<Version> {
	if let Some(version) = aliases.get(name) {
		return Some(version.clone());
	}
	if let Ok(version) = Version::parse(name) {
		return versions.contains_key(&version).then_some(version);
	}
	// `1` and `1.2` mean the highest version that begins so.
	let parts: Vec<u64> = name.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
	let begins = |version: &&Version| match parts.as_slice() {
		[major] => version.major == *major,
		[major, minor] => (version.major, version.minor) == (*major, *minor),
		_ => false,
	};
	versions.keys().rev().filter(|version| version.pre.is_empty()).find(begins).cloned()
}

#[cfg(test)]
mod tests {
	use super::*;

	fn entry(versions: &[&str]) -> ModelEntry {
		let version = |version: &&str| VersionEntry {
			version: Version::parse(version).unwrap(),
			uri: "blob://".into(),
			hash: ArtifactHash::zero(),
			bytes: 1,
		};
		ModelEntry {
			name: "digits".into(),
			versions: versions.iter().map(version).collect(),
			aliases: BTreeMap::new(),
			default: None,
			options: ModelOptions::default(),
		}
	}

	fn versions(entry: &ModelEntry) -> Result<Versions, RegisterError> {
		Versions::new(entry, |version| Served::idle(&entry.name, version, &entry.options))
	}

	#[test]
	fn a_version_is_named_by_its_number_its_first_parts_or_an_alias() {
		let mut entry = entry(&["1.0.0", "1.2.0", "1.10.3", "2.0.0", "3.0.0-rc.1"]);
		entry.aliases.insert(STABLE.into(), Version::new(1, 2, 0));
		let versions = versions(&entry).unwrap();
		for (name, expected) in [
			(None, "1.2.0"),
			(Some(""), "1.2.0"),
			(Some("stable"), "1.2.0"),
			(Some("latest"), "2.0.0"),
			(Some("1"), "1.10.3"),
			(Some("1.2"), "1.2.0"),
			(Some("3.0.0-rc.1"), "3.0.0-rc.1"),
		] {
			let served = versions.resolve("digits", name).map_err(|error| error.to_string());
			assert_eq!(served.map(|it| it.version.clone()), Ok(expected.into()), "{name:?}");
		}
		for unknown in ["3", "1.0.1", "newest", "1.2.3.4", "v1"] {
			let error = versions.resolve("digits", Some(unknown)).err().unwrap().to_string();
			assert!(error.contains("1.10.3, 2.0.0"), "{error}");
			assert!(error.contains("stable (1.2.0)"), "{error}");
		}
	}

	#[test]
	fn an_entry_that_contradicts_itself_is_refused() {
		let refusal = |entry: &ModelEntry| versions(entry).err().unwrap();
		for name in ["", "a/b", "ü", "..\\x", &"x".repeat(129)] {
			let entry = ModelEntry { name: name.into(), ..entry(&["1.0.0"]) };
			assert_eq!(refusal(&entry), RegisterError::Name(name.into()));
		}
		assert_eq!(refusal(&entry(&[])), RegisterError::NoVersion("digits".into()));
		let twice = refusal(&entry(&["1.0.0", "1.0.0"]));
		assert!(matches!(twice, RegisterError::Twice { .. }));
		let mut dangling = entry(&["1.0.0"]);
		dangling.default = Some("stable".into());
		assert!(matches!(refusal(&dangling), RegisterError::Dangling { .. }));
		dangling.aliases.insert(STABLE.into(), Version::new(2, 0, 0));
		assert!(matches!(refusal(&dangling), RegisterError::Dangling { .. }));
	}

	#[test]
	fn an_entry_is_read_from_json() {
		let text = format!(
			r#"{{"name":"m","versions":[{{"version":"1.0.0","uri":"https://example.org/m.onnx",
			"hash":"0x{}","bytes":7}}],"options":{{"max_batch":8}}}}"#,
			"ab".repeat(32)
		);
		let entry: ModelEntry = serde_json::from_str(&text).unwrap();
		assert_eq!(entry.versions[0].hash, ArtifactHash::repeat_byte(0xab));
		assert_eq!(entry.options, ModelOptions { max_batch: 8, ..Default::default() });
		let error = serde_json::from_str::<ModelEntry>(&text.replace("abab", "xyab")).unwrap_err();
		assert!(error.to_string().contains("64 hexadecimal digits"), "{error}");
		assert!(serde_json::from_str::<ModelEntry>(&text.replace("max_batch", "batch")).is_err());
	}
}
