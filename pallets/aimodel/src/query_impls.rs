//! Reads for the runtime API: the same functions that the dispatchables use.

use crate::*;
use aimodel_primitives::{
	access::Health,
	billing::{Bill, Revenue},
	incentives::{Incentives, Merit, Reward},
	income::Sums,
	pricing::{self, second_of_day, Breakdown, Market, Quote, QuoteError},
	runtime_api::{Circuit, JobInfo, ModelInfo, ProofKey, RequestInfo},
};
use alloc::vec::Vec;
use frame_support::traits::UnixTime;
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::SaturatedConversion;

/// The most leases of one worker that a query lists, and an offchain worker serves in one run.
pub(crate) const MAX_JOBS: u32 = 256;

/// The most items that a query of what can be paged through lists at once.
pub(crate) const MAX_LISTED: u32 = 256;

/// The most bills, or subscriptions, that a query lists.
pub(crate) const MAX_BILLS: usize = 256;

impl<T: Config> Pallet<T> {
	/// The price for `account` of an inference over `input_bytes` bytes on the model's current
	/// version, at a UNIX time in milliseconds, or now.
	pub fn quote(
		model: ModelId,
		account: Option<T::AccountId>,
		input_bytes: u64,
		at: Option<u64>,
	) -> Result<Quote, QuoteError> {
		let content = Self::live(&model)?;
		let record = Versions::<T>::get(model, content.version).ok_or(QuoteError::UnknownModel)?;
		Self::quote_version(&model, account.as_ref(), &content.tariff, &record, input_bytes, at)
	}

	/// The price for `account` of so many units of one row on the model's current version.
	pub fn price(
		model: ModelId,
		account: Option<T::AccountId>,
		units: u64,
		at: Option<u64>,
	) -> Result<Breakdown, QuoteError> {
		let tariff = Self::live(&model)?.tariff;
		let market = Self::market(&model, account.as_ref(), &tariff, at);
		tariff.price(units, &Market { rows: 1, ..market })
	}

	/// The one function that quotes, for the dispatchable too.
	pub(crate) fn quote_version(
		model: &ModelId,
		account: Option<&T::AccountId>,
		tariff: &Tariff,
		record: &Version,
		input_bytes: u64,
		at: Option<u64>,
	) -> Result<Quote, QuoteError> {
		let market = Self::market(model, account, tariff, at);
		pricing::quote(tariff, market, &record.units, &record.interface, input_bytes)
	}

	/// What prices of a model depend on, for an account and a UNIX time in milliseconds. Its rows are
	/// those of no request.
	fn market(
		model: &ModelId,
		account: Option<&T::AccountId>,
		tariff: &Tariff,
		at: Option<u64>,
	) -> Market {
		let record = Self::record_now(model, tariff);
		let now = at.unwrap_or_else(|| T::Time::now().as_millis().saturated_into());
		Market {
			demand: record.demand,
			quality: Self::quality(record.reliability),
			calls: account.map_or(0, |account| Self::calls(account, model)),
			second_of_day: second_of_day(now),
			rows: 0,
		}
	}

	/// What `account` used of a model.
	pub fn bill(account: &T::AccountId, model: &ModelId) -> Option<Bill> {
		Customers::<T>::get(account, model).map(Self::bill_of)
	}

	/// The bills of `account`, 256 of them at most.
	pub fn bills(account: &T::AccountId) -> Vec<(ModelId, Bill)> {
		let kept = Customers::<T>::iter_prefix(account).take(MAX_BILLS);
		kept.map(|(model, customer)| (model, Self::bill_of(customer))).collect()
	}

	fn bill_of(customer: Customer<T>) -> Bill {
		let (periods, block) = (Self::periods(), Self::block());
		let ledger = customer.ledger.at(periods.of(block));
		Bill {
			from: periods.start(ledger.period),
			until: periods.start(ledger.period.saturating_add(1)),
			projected: periods.project_spend(&ledger.current, block),
			ledger,
			open: customer.open,
			held: customer.held,
			budget: customer.budget,
		}
	}

	/// What a model brought in.
	pub fn revenue(model: &ModelId) -> Option<Revenue> {
		let tariff = Self::tip(model)?.content.tariff;
		let record = Self::record_now(model, &tariff);
		let (periods, block) = (Self::periods(), Self::block());
		let Record { ledger, customers, previous_customers, .. } = record;
		Some(Revenue {
			ledger,
			from: periods.start(ledger.period),
			until: periods.start(ledger.period.saturating_add(1)),
			projected: periods.project_spend(&ledger.current, block),
			customers,
			previous_customers,
			prices: Prices::<T>::get(model).into_inner(),
		})
	}

	/// Who may use a model that is not yet closed, whether it is suspended, and how well it answered.
	pub fn health(model: &ModelId) -> Option<Health> {
		let ModelOutput { content, allowed, .. } = Self::tip(model)?;
		let Record { breaker, figures, .. } = Records::<T>::get(model);
		Some(Health {
			access: content.access,
			allowed,
			open: OpenRequests::<T>::get(model),
			breaker: breaker.state(Self::block(), Self::is_obliged),
			figures,
		})
	}

	/// What a model earned for whom.
	pub fn income(model: &ModelId) -> Option<Income<T::AccountId>> {
		Tips::<T>::contains_key(model).then(|| Self::income_now(model))
	}

	/// What `account` earned as a beneficiary of a model.
	pub fn earned(account: &T::AccountId, model: &ModelId) -> Option<Sums> {
		Self::income(model).map(|income| income.of(account))
	}

	/// The eras whose rewards can be claimed, and the current one.
	pub fn incentives() -> Incentives {
		let (periods, eras) = (Self::era_periods(), Self::eras_now().into_inner());
		let current = periods.of(Self::block());
		Incentives {
			share: IncentiveShare::<T>::get(),
			from: periods.start(current),
			until: periods.start(current.saturating_add(1)),
			eras,
		}
	}

	/// What a model has merited in these eras and not claimed.
	pub fn rewards(model: &ModelId) -> Vec<Reward> {
		let eras = Self::eras_now();
		let reward = |(index, merit): (u32, Merit)| {
			let era = eras.iter().find(|era| era.index == index)?;
			Some(Reward { era: index, merit, amount: era.reward(&merit) })
		};
		Merits::<T>::get(model).into_iter().filter_map(reward).collect()
	}

	/// The content of a model that takes requests.
	fn live(model: &ModelId) -> Result<ModelContent<T::AccountId>, QuoteError> {
		let output = Self::tip(model).filter(|output| !output.content.retired);
		let content = output.ok_or(QuoteError::UnknownModel)?.content;
		let version = VersionId { model: *model, index: content.version };
		if Self::is_deprecated(&version) {
			return Err(QuoteError::Deprecated);
		}
		Ok(content)
	}

	/// A model that is not yet closed.
	pub fn model(model: ModelId) -> Option<ModelInfo<T::AccountId>> {
		let out_point = Tips::<T>::get(model)?;
		let ModelOutput { content, versions, changes, .. } = Outputs::<T>::get(out_point)?;
		Some(ModelInfo {
			out_point,
			owner: content.owner,
			offered_to: content.offered_to,
			lock: content.lock,
			retired: content.retired,
			tariff: content.tariff,
			plans: content.plans,
			split: content.split,
			version: VersionId { model, index: content.version },
			record: Versions::<T>::get(model, content.version)?,
			open_requests: OpenRequests::<T>::get(model),
			versions,
			changes,
			metadata: content.metadata,
			candidate: content.candidate,
		})
	}

	/// The spent outputs of a model, oldest first, from this index on; 256 of them at most.
	pub fn history(
		model: ModelId,
		from: u32,
		limit: u32,
	) -> Vec<HistoryRecord<T::AccountId, BlockNumberFor<T>>> {
		let changes = Self::tip(&model).map_or(0, |output| output.changes);
		let indices = (from..changes).take(limit.min(MAX_LISTED) as usize);
		indices.filter_map(|index| History::<T>::get(model, index)).collect()
	}

	/// A version that a model or an open request uses.
	pub fn version(VersionId { model, index }: VersionId) -> Option<Version> {
		Versions::<T>::get(model, index)
	}

	/// What proves the answers of a version, if anything does.
	pub fn proof_key(version: VersionId) -> Option<ProofKey> {
		let Circuit { key, proving_key, privacy, parameters } = Self::version(version)?.circuit?;
		let circuit_digest = T::Verifier::key(&key)?.circuit_digest;
		let verifying_key = T::Verifier::points_hash(&key)?;
		Some(ProofKey { proving_key, circuit_digest, verifying_key, privacy, parameters })
	}

	/// A request that is open, or settled and not yet pruned.
	pub fn request_info(id: RequestId) -> Option<RequestInfo<T::AccountId, BlockNumberFor<T>>> {
		if let Some(request) = Requests::<T>::get(id) {
			let penalty = Self::penalty_of(&request);
			return Some(RequestInfo::Open {
				penalty,
				customer: request.customer,
				version: request.version,
				assurance: request.assurance,
				held: request.held,
				draw: request.cover.map(|cover| cover.draw.gross),
				deadline: request.deadline,
				lease: T::Workers::leased(id),
				fallbacks: Self::fallbacks_of(id),
			});
		}
		let settlement = Settlements::<T>::get(id)?;
		let output_hash = settlement.output.hash();
		Some(RequestInfo::Settled {
			worker: settlement.worker,
			version: settlement.version,
			assurance: settlement.assurance,
			output: match settlement.output {
				Output::Inline(bytes) => Some(bytes.into_inner()),
				Output::Blob { .. } => None,
			},
			output_hash,
			units: settlement.units,
			price: settlement.price,
			settled_at: settlement.settled_at,
		})
	}

	/// The requests that the bonded account `worker` has to answer now, or may accept.
	pub fn jobs_for(worker: &T::AccountId) -> Vec<JobInfo<BlockNumberFor<T>>> {
		let now = frame_system::Pallet::<T>::block_number();
		let leases = T::Workers::leases_of(worker, MAX_JOBS).into_iter();
		let job = |id| {
			let lease = T::Workers::leased(id).filter(|lease| now <= lease.until)?;
			let request = Requests::<T>::get(id).filter(|request| now <= request.deadline)?;
			let record = Versions::<T>::get(request.version.model, request.version.index)?;
			Some(JobInfo {
				request: id,
				version: request.version,
				artifact: record.artifact,
				input_hash: request.input_hash(),
				commitment: request.input.commitment(),
				proven: matches!(request.assurance, Assurance::Proven { .. }),
				obliged: lease.obliged,
				until: lease.until,
			})
		};
		leases.filter_map(job).collect()
	}

	pub(crate) fn tip(model: &ModelId) -> Option<ModelOutput<T>> {
		Outputs::<T>::get(Tips::<T>::get(model)?)
	}
}
