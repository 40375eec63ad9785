//! What inferences cost.

use super::models::Models;
use crate::service::FullClient;
use aimodel_gateway::{Prices as Api, Quote};
use aimodel_primitives::{runtime_api::AimodelApi, ArtifactHash, Balance, ModelId};
use aimodel_runtime::Hash;
use parking_lot::Mutex;
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use std::{collections::HashMap, sync::Arc};

/// Prices that are remembered for one block.
const REMEMBERED: usize = 1024;

/// Asks the chain what a new customer would pay, once a block for each number of units.
pub(super) struct Prices {
	client: Arc<FullClient>,
	models: Arc<Models>,
	known: Mutex<(Hash, HashMap<(ModelId, u64), Option<Balance>>)>,
}

impl Prices {
	pub(super) fn new(client: Arc<FullClient>, models: Arc<Models>) -> Self {
		Self { client, models, known: Mutex::default() }
	}

	fn price(&self, model: ModelId, units: u64) -> Option<Balance> {
		let best = self.client.info().best_hash;
		{
			let mut known = self.known.lock();
			if known.0 != best || known.1.len() >= REMEMBERED {
				*known = (best, HashMap::new());
			}
			if let Some(price) = known.1.get(&(model, units)) {
				return *price;
			}
		}
		let breakdown = self.client.runtime_api().price(best, model, None, units, None);
		let price = breakdown.ok().and_then(Result::ok).map(|breakdown| breakdown.price);
		let mut known = self.known.lock();
		if known.0 == best {
			known.1.insert((model, units), price);
		}
		price
	}
}

impl Api for Prices {
	fn quote(
		&self,
		artifact: &ArtifactHash,
		input_elements: u64,
		output_elements: u64,
	) -> Option<Quote> {
		let (version, units) = self.models.units(artifact, input_elements, output_elements)?;
		Some(Quote { units, price: self.price(version.model, units) })
	}
}
