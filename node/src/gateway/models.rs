//! The models that the chain says this node's worker offers, by their names at the gateway.
//!
//! A model is called by its id (`0x` and 64 hexadecimal digits), and by the name that it gives itself where no other
//! model here has it. Version `i` of the chain is the semantic version `i.0.0`.

use crate::service::FullClient;
use aimodel_gateway::Refusal;
use aimodel_inference::{
	serving::{ModelEntry, ModelOptions, Server, VersionEntry, STABLE},
	BlobStore,
};
use aimodel_primitives::{
	runtime_api::{AimodelApi, Version},
	ArtifactHash, ModelId, VersionId,
};
use aimodel_runtime::Hash;
use futures::StreamExt;
use parking_lot::RwLock;
use sc_client_api::BlockchainEvents;
use semver::Version as Semantic;
use sp_api::ProvideRuntimeApi;
use sp_keystore::KeystorePtr;
use std::{
	collections::{BTreeMap, BTreeSet, HashMap},
	sync::Arc,
};

/// What is served under a name.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Offered {
	model: ModelId,
	/// The version that answers unless another is asked for.
	stable: u32,
	/// Whether the chain prices calls by that one.
	priced: bool,
	versions: BTreeMap<u32, ArtifactHash>,
}

/// What is known of the chain's models.
#[derive(Default)]
struct Known {
	/// By name at the gateway.
	offered: BTreeMap<String, Offered>,
	/// Versions are never changed.
	records: BTreeMap<VersionId, Version>,
	/// Where a model file is served from.
	by_artifact: HashMap<ArtifactHash, VersionId>,
}

/// The models of the chain at the gateway.
pub(super) struct Models {
	client: Arc<FullClient>,
	keystore: KeystorePtr,
	server: Server,
	blobs: Arc<BlobStore>,
	/// Whether only subscribers call, who pay for it.
	sells: bool,
	/// Names of the operator's own list, which no owner of a model on the chain can take.
	listed: BTreeSet<String>,
	known: RwLock<Known>,
}

impl Models {
	pub(super) fn new(
		client: Arc<FullClient>,
		keystore: KeystorePtr,
		server: Server,
		blobs: Arc<BlobStore>,
		sells: bool,
	) -> Self {
		let listed = server.index().into_iter().map(|entry| entry.name).collect();
		Self { client, keystore, server, blobs, sells, listed, known: RwLock::default() }
	}

	/// The model of that name, if calls are priced by the version that would answer.
	pub(super) fn priced(&self, name: &str, version: Option<&str>) -> Result<ModelId, Refusal> {
		let known = self.known.read();
		let Offered { model, stable, priced, .. } = known.offered.get(name).ok_or_else(|| {
			Refusal::Forbidden(format!("`{name}` is no model of the chain, and has no subscribers"))
		})?;
		if !priced {
			return Err(Refusal::Unavailable(format!(
				"this node does not serve the version of `{name}` by which calls are priced"
			)));
		}
		let stable = semantic(*stable);
		let is_stable =
			|asked: &str| asked == STABLE || Semantic::parse(asked).is_ok_and(|it| it == stable);
		match version.is_none_or(is_stable) {
			true => Ok(*model),
			false => Err(Refusal::Forbidden(format!(
				"calls of `{name}` are priced by its version {stable}: call that one, or none"
			))),
		}
	}

	/// The version that a model file is served as, and its units for so many elements in and out.
	pub(super) fn units(
		&self,
		artifact: &ArtifactHash,
		input_elements: u64,
		output_elements: u64,
	) -> Option<(VersionId, u64)> {
		let known = self.known.read();
		let version = known.by_artifact.get(artifact)?;
		let units = &known.records.get(version)?.units;
		Some((*version, units.units(input_elements, output_elements)?))
	}

	/// Keeps the server in step with each best block, after what is to be done before.
	pub(super) async fn follow(self: Arc<Self>, before: impl Fn(Hash)) {
		let mut blocks = self.client.import_notification_stream();
		while let Some(block) = blocks.next().await {
			if !block.is_new_best {
				continue;
			}
			before(block.hash);
			if let Err(error) = self.refresh(block.hash) {
				log::warn!(target: "gateway", "what the worker offers can not be read: {error}");
			}
		}
	}

	/// Serves what is offered at a block, and nothing else of the chain.
	pub(super) fn refresh(&self, at: Hash) -> Result<(), String> {
		let (mut offered, records) = self.offered(at)?;
		if self.known.read().offered == offered {
			return Ok(());
		}
		let before = self.known.read().offered.clone();
		for name in before.keys().filter(|name| !offered.contains_key(*name)) {
			self.server.remove(name);
		}
		let mut failed = Vec::new();
		for (name, it) in offered.iter().filter(|(name, it)| before.get(*name) != Some(*it)) {
			let versions = it.versions.iter().filter_map(|(index, artifact)| {
				Some(VersionEntry {
					version: semantic(*index),
					uri: format!("blob://{}", hex::encode(artifact)),
					hash: *artifact,
					bytes: self.blobs.size(artifact).ok()?,
				})
			});
			// A call is no more than one of the chain could be: a plan's quota counts calls, and the chain prices them by the
			// stable version.
			let called = it.versions.keys().filter(|index| !self.sells || **index == it.stable);
			let most = called.filter_map(|index| {
				let version = VersionId { model: it.model, index: *index };
				let input = &records.get(&version)?.interface.input;
				Some(input.bytes(input.batch().unwrap_or(1)))
			});
			let defaults = ModelOptions::default();
			let max_request_bytes = most.max().unwrap_or(u64::MAX).min(defaults.max_request_bytes);
			let entry = ModelEntry {
				name: name.clone(),
				versions: versions.collect(),
				aliases: [(STABLE.to_owned(), semantic(it.stable))].into(),
				default: Some(STABLE.to_owned()),
				// Nobody is told of a model's inputs before it was loaded once.
				options: ModelOptions { max_request_bytes, preload: true, ..defaults },
			};
			match self.server.replace(entry) {
				Ok(()) => log::info!(target: "gateway", "serves {name}"),
				Err(error) => {
					log::warn!(target: "gateway", "does not serve {name}: {error}");
					self.server.remove(name);
					failed.push(name.clone());
				},
			}
		}
		// At the next block it is tried again.
		failed.iter().for_each(|name| drop(offered.remove(name)));
		let by_artifact = records.iter().map(|(version, record)| (record.artifact, *version));
		let by_artifact = by_artifact.collect();
		*self.known.write() = Known { offered, records, by_artifact };
		Ok(())
	}

	/// What the worker offers at a block and this node holds.
	fn offered(
		&self,
		at: Hash,
	) -> Result<(BTreeMap<String, Offered>, BTreeMap<VersionId, Version>), String> {
		let api = self.client.runtime_api();
		let failed = |error: sp_api::ApiError| error.to_string();
		let mut records = BTreeMap::new();
		let mut models = BTreeMap::<ModelId, BTreeMap<u32, ArtifactHash>>::new();
		for worker in super::workers(&self.client, at, &self.keystore)? {
			for version in api.offers_of(at, worker).map_err(failed)? {
				let known = self.known.read().records.get(&version).cloned();
				let record = match known {
					Some(record) => Some(record),
					None => api.version(at, version).map_err(failed)?,
				};
				let Some(record) = record.filter(|record| self.blobs.contains(&record.artifact))
				else {
					continue;
				};
				models.entry(version.model).or_default().insert(version.index, record.artifact);
				records.insert(version, record);
			}
		}
		let (mut offered, mut names) = (BTreeMap::new(), BTreeMap::<String, Vec<ModelId>>::new());
		for (model, versions) in models {
			let Some(info) = api.model(at, model).map_err(failed)? else { continue };
			let last = versions.keys().next_back().copied();
			let stable = [Some(info.version.index), last]
				.into_iter()
				.flatten()
				.find(|index| versions.contains_key(index));
			let Some(stable) = stable else { continue };
			let priced = stable == info.version.index;
			if let Ok(name) = String::from_utf8(info.metadata.name.to_vec()) {
				names.entry(name).or_default().push(model);
			}
			let name = format!("{model:?}");
			offered.insert(name, Offered { model, stable, priced, versions });
		}
		for (name, models) in names {
			let [model] = models[..] else { continue };
			if is_name(&name) && !self.listed.contains(&name) {
				if let Some(it) = offered.get(&format!("{model:?}")).cloned() {
					offered.entry(name).or_insert(it);
				}
			}
		}
		Ok((offered, records))
	}
}

fn semantic(index: u32) -> Semantic {
	Semantic::new(index.into(), 0, 0)
}

/// Whether clients can call a model by that name.
fn is_name(name: &str) -> bool {
	let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
	// Nor can one call itself by the id of another.
	let id = name.len() == 66 && name.starts_with("0x");
	(1..=128).contains(&name.len()) && name.chars().all(plain) && !id
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn only_what_fits_into_a_path_is_a_name() {
		for name in ["digits", "digits-cnn_2.1", "0x00"] {
			assert!(is_name(name), "{name}");
		}
		for name in ["", "a b", "a/b", "..%2f", "ä"] {
			assert!(!is_name(name), "{name}");
		}
	}
}
