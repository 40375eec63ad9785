//! How models describe themselves, and how they are found: by owner, and by tag.

use crate::*;
use aimodel_primitives::models::{Metadata, MetadataError, Tag, MAX_TAGS};
use alloc::vec::Vec;
use frame_support::pallet_prelude::*;

impl<T: Config> From<MetadataError> for Error<T> {
	fn from(error: MetadataError) -> Self {
		match error {
			MetadataError::Name => Self::UnsoundName,
			MetadataError::Licence => Self::UnsoundLicence,
			MetadataError::Tags => Self::UnsoundTags,
		}
	}
}

impl<T: Config> Pallet<T> {
	pub(crate) fn do_describe(
		who: T::AccountId,
		out_point: OutPoint,
		metadata: Metadata,
	) -> DispatchResult {
		let output = Self::owned_output(&who, out_point)?;
		metadata.validate().map_err(Error::<T>::from)?;
		let mut output = Self::lengthen(output)?;
		Self::untag(&output);
		for tag in &metadata.tags {
			ModelsTagged::<T>::insert(tag, output.model, ());
		}
		output.content.metadata = metadata;
		Self::succeed(who, out_point, output, Change::Described);
		Ok(())
	}

	/// Removes a model that closes from what it is found by.
	pub(crate) fn forget(output: &ModelOutput<T>) {
		ModelsOf::<T>::remove(&output.content.owner, output.model);
		Self::untag(output);
	}

	fn untag(output: &ModelOutput<T>) {
		for tag in &output.content.metadata.tags {
			ModelsTagged::<T>::remove(tag, output.model);
		}
	}

	/// The most bytes by which a model is found.
	pub(crate) fn index_size() -> usize {
		let by_owner = <(T::AccountId, ModelId)>::max_encoded_len();
		let by_tag = <(Tag, ModelId)>::max_encoded_len();
		by_tag.saturating_mul(MAX_TAGS as usize).saturating_add(by_owner)
	}

	/// The models of an owner, in an order that does not change, behind `from`.
	pub fn models_of(
		owner: &T::AccountId,
		from: Option<ModelId>,
		limit: u32,
	) -> Vec<(ModelId, Metadata)> {
		let found = match from {
			None => ModelsOf::<T>::iter_key_prefix(owner),
			Some(last) => {
				let behind = ModelsOf::<T>::hashed_key_for(owner, last);
				ModelsOf::<T>::iter_key_prefix_from(owner, behind)
			},
		};
		Self::described(found, limit)
	}

	/// The models with a tag, in an order that does not change, behind `from`.
	pub fn models_tagged(tag: &Tag, from: Option<ModelId>, limit: u32) -> Vec<(ModelId, Metadata)> {
		let found = match from {
			None => ModelsTagged::<T>::iter_key_prefix(tag),
			Some(last) => {
				let behind = ModelsTagged::<T>::hashed_key_for(tag, last);
				ModelsTagged::<T>::iter_key_prefix_from(tag, behind)
			},
		};
		Self::described(found, limit)
	}

	fn described(models: impl Iterator<Item = ModelId>, limit: u32) -> Vec<(ModelId, Metadata)> {
		let listed = models.take(limit.min(query_impls::MAX_LISTED) as usize);
		listed.filter_map(|model| Some((model, Self::tip(&model)?.content.metadata))).collect()
	}
}
