//! From one layout of the storage to the next.
//!
//! [`V1`] leads from the layout before tariffs (0) to today's. It takes one block: about twenty reads and
//! writes for each model, open request and record of a history. `pre_upgrade` refuses where there are
//! more than [`MOST`] of these together, which is what two seconds are enough for; such a chain needs
//! several blocks for it.

mod v0;

use crate::*;
use aimodel_primitives::{
	pricing::Market,
	split::{FlatSplit, Source},
	Payee,
};
use alloc::{collections::BTreeMap, vec::Vec};
use codec::Decode;
use frame_support::{
	migrations::VersionedMigration, pallet_prelude::*, traits::UncheckedOnRuntimeUpgrade,
	weights::Weight,
};
use sp_runtime::{traits::TrailingZeroInput, Permill};

/// The most models, open requests and records of histories, in all, that are migrated in a block.
pub const MOST: u32 = 1_000;

/// From the layout before tariffs to today's: once, and only from there.
pub type V1<T> =
	VersionedMigration<0, 1, ToTariffs<T>, Pallet<T>, <T as frame_system::Config>::DbWeight>;

/// Translates models, histories and open requests, and builds what is found by them.
///
/// An output keeps its name, though it is no longer the hash of its content: open requests and
/// whatever clients remember go on naming it. The name of its successor commits to it, and to a
/// content of today's layout.
pub struct ToTariffs<T>(core::marker::PhantomData<T>);

impl<T: Config> UncheckedOnRuntimeUpgrade for ToTariffs<T> {
	fn on_runtime_upgrade() -> Weight {
		let items = Self::migrate();
		log::info!(target: LOG_TARGET, "migrated {items} items from the layout before tariffs");
		T::DbWeight::get().reads_writes(20, 20).saturating_mul(items.saturating_add(1).into())
	}

	#[cfg(feature = "try-runtime")]
	fn pre_upgrade() -> Result<Vec<u8>, sp_runtime::TryRuntimeError> {
		let before = Before::<T>::read();
		ensure!(before.items() <= MOST, "too much for one block");
		Ok(codec::Encode::encode(&before))
	}

	#[cfg(feature = "try-runtime")]
	fn post_upgrade(before: Vec<u8>) -> Result<(), sp_runtime::TryRuntimeError> {
		let before = Before::<T>::decode(&mut &before[..]).map_err(|_| "unreadable state")?;
		before.ensure_kept()?;
		Pallet::<T>::do_try_state()
	}
}

impl<T: Config> ToTariffs<T> {
	/// Translates everything, and counts it.
	fn migrate() -> u32 {
		let mut items = 0u32;
		let mut count = || items = items.saturating_add(1);

		// Both layouts of a history lie under the same prefix.
		let mut changes = BTreeMap::<ModelId, u32>::new();
		for (model, records) in v0::History::<T>::drain().collect::<Vec<_>>() {
			changes.insert(model, records.len() as u32);
			for (index, record) in (0u32..).zip(records) {
				History::<T>::insert(model, index, HistoryRecord::from(record));
				count();
			}
		}
		for (out_point, output) in v0::Outputs::<T>::iter().collect::<Vec<_>>() {
			let changes = changes.get(&output.model).copied().unwrap_or_default();
			let output = Self::output(output, changes);
			ModelsOf::<T>::insert(&output.content.owner, output.model, ());
			Pallet::<T>::new_record(&output.model, &output.content.tariff);
			Outputs::<T>::insert(out_point, output);
			count();
		}
		// Both layouts of what is due lie under the same prefix too.
		v0::DueRequests::<T>::drain().for_each(drop);
		for (id, request) in v0::Requests::<T>::iter().collect::<Vec<_>>() {
			let request = Self::request(request);
			Self::count_open(&request);
			DueRequests::<T>::insert(request.due, Turn::new(request.priority, id), ());
			Requests::<T>::insert(id, request);
			count();
		}
		let waiting = v0::Waiting::<T>::take().into_iter();
		let waiting = waiting.map(|(id, version)| (id, version, Tier::Standard)).collect();
		Waiting::<T>::put(BoundedVec::truncate_from(waiting));
		items
	}

	/// Today's content of a model: what was not there before is not used.
	fn content(content: v0::ModelContent<T::AccountId>) -> ModelContent<T::AccountId> {
		let v0::ModelContent { owner, offered_to, pricing, split, version, record, retired } =
			content;
		ModelContent {
			owner,
			offered_to,
			tariff: pricing.into(),
			split: split.into(),
			version,
			record,
			retired,
			plans: Default::default(),
			access: Default::default(),
			metadata: Default::default(),
			candidate: None,
			lock: None,
		}
	}

	/// Today's output of a model. Its deposit stays what it is, and is that of today's layout from
	/// the next change on: nothing is taken from anybody who did not sign for it.
	fn output(output: v0::ModelOutput<T>, changes: u32) -> ModelOutput<T> {
		let v0::ModelOutput { model, content, depositor, deposit } = output;
		let versions = Versions::<T>::iter_key_prefix(model).count() as u32;
		let content = Self::content(content);
		ModelOutput {
			model,
			content,
			depositor,
			deposit,
			versions,
			changes,
			allowed: 0,
			co_signers: 0,
		}
	}

	/// Today's request: with the rates that its price was, and the split that led to accounts alone.
	fn request(request: v0::Request<T>) -> Request<T> {
		let owner = request.customer.clone();
		// Without beneficiaries, which is the only way to its owner, the worker has everything.
		let source = Source { owner, split: request.split.into() };
		let split = FlatSplit::flatten(request.version.model, source, |_| None);
		let market = Market {
			demand: Default::default(),
			quality: Permill::zero(),
			calls: 0,
			second_of_day: 0,
			rows: request.rows,
		};
		Request {
			customer: request.customer,
			priority: Tier::Standard,
			// It was not kept: latency counts from now.
			requested_at: frame_system::Pallet::<T>::block_number(),
			out_point: request.out_point,
			version: request.version,
			assurance: request.assurance,
			input: request.input,
			rows: request.rows,
			rates: Tariff::from(request.pricing).rates(&market),
			split,
			platform_share: request.platform_share,
			held: request.held,
			most: request.held,
			cover: None,
			terms: request.terms,
			deadline: request.deadline,
			drawn: request.drawn,
			candidates: request.candidates,
			lapsed: request.lapsed,
			compensated: request.compensated,
			due: request.due,
			guarantee: None,
		}
	}

	/// Counts an open request of its customer's. Who can not pay the deposit of the record is not
	/// asked for it: the record is pruned like any other, and there are no more than open requests.
	fn count_open(request: &Request<T>) {
		let (who, model) = (&request.customer, &request.version.model);
		let customer = Customers::<T>::get(who, model)
			.or_else(|| Pallet::<T>::new_customer(who).ok())
			.or_else(|| {
				let deposit = T::CustomerDeposit::decode(&mut TrailingZeroInput::zeroes()).ok()?;
				Some(Pallet::<T>::customer_with(deposit))
			});
		let Some(mut customer) = customer else {
			log::error!(target: LOG_TARGET, "an open request has no customer");
			return;
		};
		customer.open = customer.open.saturating_add(1);
		customer.held = customer.held.saturating_add(request.held);
		Pallet::<T>::keep_customer(who, model, customer);
	}
}

impl From<v0::Pricing> for Tariff {
	fn from(v0::Pricing::Flat { per_call, per_unit }: v0::Pricing) -> Self {
		Self::flat(per_call, per_unit)
	}
}

impl<AccountId> From<v0::RevenueSplit<AccountId>> for RevenueSplit<AccountId> {
	fn from(split: v0::RevenueSplit<AccountId>) -> Self {
		let account = |(who, share)| (Payee::Account(who), share);
		let beneficiaries = split.beneficiaries.into_iter().map(account).collect();
		Self { worker: split.worker, beneficiaries: BoundedVec::truncate_from(beneficiaries) }
	}
}

/// What there was before, to be compared with what there is after.
#[cfg(any(test, feature = "try-runtime"))]
#[derive(codec::Encode, Decode)]
pub(crate) struct Before<T: Config> {
	outputs: Vec<(OutPoint, ModelId, T::AccountId, bool)>,
	requests: Vec<(RequestId, T::AccountId, Balance)>,
	records: u32,
}

#[cfg(any(test, feature = "try-runtime"))]
impl<T: Config> Before<T> {
	pub(crate) fn read() -> Self {
		let output = |(out_point, output): (_, v0::ModelOutput<T>)| {
			(out_point, output.model, output.content.owner, output.content.retired)
		};
		let request = |(id, request): (_, v0::Request<T>)| (id, request.customer, request.held);
		Self {
			outputs: v0::Outputs::<T>::iter().map(output).collect(),
			requests: v0::Requests::<T>::iter().map(request).collect(),
			records: v0::History::<T>::iter_values().map(|records| records.len() as u32).sum(),
		}
	}

	pub(crate) fn items(&self) -> u32 {
		let items = self.outputs.len().saturating_add(self.requests.len()) as u32;
		items.saturating_add(self.records)
	}

	/// Nothing was lost, nothing came to it, and what it names is what it was.
	pub(crate) fn ensure_kept(&self) -> Result<(), sp_runtime::TryRuntimeError> {
		for (out_point, model, owner, retired) in &self.outputs {
			let output = Outputs::<T>::get(out_point).ok_or("an output is lost")?;
			let content = &output.content;
			ensure!(
				(&output.model, &content.owner, &content.retired) == (model, owner, retired),
				"an output is another"
			);
			let version = Versions::<T>::get(model, content.version).ok_or("a version is lost")?;
			ensure!(types::record_hash(&version) == content.record, "a version is another");
		}
		for (id, customer, held) in &self.requests {
			let request = Requests::<T>::get(id).ok_or("a request is lost")?;
			ensure!((&request.customer, &request.held) == (customer, held), "a request is another");
			ensure!(request.split.is_sound(), "a split is unsound");
		}
		ensure!(Outputs::<T>::iter().count() == self.outputs.len(), "an output came from nowhere");
		ensure!(Requests::<T>::iter().count() == self.requests.len(), "a request from nowhere");
		ensure!(History::<T>::iter().count() as u32 == self.records, "a record is lost");
		Ok(())
	}
}

#[cfg(test)]
mod tests;
