//! The genesis presets.

use crate::{
	AccountId, AimodelConfig, Balance, BalancesConfig, RuntimeGenesisConfig, SudoConfig, UNIT,
};
use alloc::{vec, vec::Vec};
use frame_support::build_struct_json_patch;
use serde_json::Value;
use sp_consensus_aura::sr25519::AuthorityId as AuraId;
use sp_consensus_grandpa::AuthorityId as GrandpaId;
use sp_genesis_builder::{PresetId, DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};

/// The public key of `//Worker`, sr25519: the operator of `--dev --worker`.
pub const WORKER: [u8; 32] = [
	0x30, 0x5d, 0x49, 0x91, 0xb3, 0x16, 0x88, 0x33, 0x82, 0x3c, 0x35, 0x3a, 0xf3, 0xb1, 0xe3, 0xb3,
	0xcc, 0xec, 0x02, 0xf8, 0x40, 0xfb, 0xa8, 0x22, 0x47, 0x81, 0x65, 0x41, 0x36, 0x1a, 0xba, 0x73,
];

/// The public key of `//Worker2`, sr25519.
pub const WORKER_2: [u8; 32] = [
	0xee, 0xc5, 0x2b, 0x72, 0x03, 0x5b, 0xad, 0xd4, 0x6e, 0x8a, 0x02, 0x75, 0xa1, 0x5f, 0x99, 0x36,
	0x71, 0x58, 0xd1, 0x41, 0x4d, 0x6c, 0x9b, 0x84, 0x24, 0x69, 0x1e, 0x27, 0x76, 0x37, 0xea, 0x68,
];

/// What each of the presets' accounts holds.
const ENDOWMENT: Balance = 1_000_000 * UNIT;

/// A chain with these authorities, whose governance is Alice and whose money is with the accounts
/// of the well-known development keys.
fn preset(authorities: &[(Sr25519Keyring, Ed25519Keyring)]) -> Value {
	let endowed = Sr25519Keyring::invulnerable()
		.map(|key| key.to_account_id())
		.chain([AccountId::new(WORKER), AccountId::new(WORKER_2)]);
	build_struct_json_patch!(RuntimeGenesisConfig {
		balances: BalancesConfig { balances: endowed.map(|who| (who, ENDOWMENT)).collect() },
		aura: pallet_aura::GenesisConfig {
			authorities: authorities
				.iter()
				.map(|(aura, _)| AuraId::from(aura.public()))
				.collect::<Vec<_>>(),
		},
		grandpa: pallet_grandpa::GenesisConfig {
			authorities: authorities
				.iter()
				.map(|(_, grandpa)| (GrandpaId::from(grandpa.public()), 1))
				.collect::<Vec<_>>(),
		},
		sudo: SudoConfig { key: Some(Sr25519Keyring::Alice.to_account_id()) },
		aimodel: AimodelConfig { accept_insecure_keys: true },
	})
}

/// The preset `id` as JSON, or `None` if there is none of that name.
pub fn get_preset(id: &PresetId) -> Option<Vec<u8>> {
	let alice = (Sr25519Keyring::Alice, Ed25519Keyring::Alice);
	let bob = (Sr25519Keyring::Bob, Ed25519Keyring::Bob);
	let patch = match id.as_ref() {
		DEV_RUNTIME_PRESET => preset(&[alice]),
		LOCAL_TESTNET_RUNTIME_PRESET => preset(&[alice, bob]),
		_ => return None,
	};
	Some(serde_json::to_vec(&patch).expect("a JSON value can always be written; qed"))
}

/// The names of the presets.
pub fn preset_names() -> Vec<PresetId> {
	vec![PresetId::from(DEV_RUNTIME_PRESET), PresetId::from(LOCAL_TESTNET_RUNTIME_PRESET)]
}

#[cfg(test)]
mod tests {
	use super::*;
	use frame_support::traits::BuildGenesisConfig;
	use sp_core::{sr25519, Pair};

	#[test]
	fn operator_keys_are_what_their_names_derive() {
		for (name, public) in [("//Worker", WORKER), ("//Worker2", WORKER_2)] {
			assert_eq!(sr25519::Pair::from_string(name, None).unwrap().public().0, public);
		}
	}

	#[test]
	fn every_preset_builds_a_state_with_its_authorities() {
		for (id, authorities) in [(DEV_RUNTIME_PRESET, 1), (LOCAL_TESTNET_RUNTIME_PRESET, 2)] {
			assert!(preset_names().contains(&id.into()));
			let mut config = serde_json::to_value(RuntimeGenesisConfig::default()).unwrap();
			let patch = serde_json::from_slice(&get_preset(&id.into()).unwrap()).unwrap();
			merge(&mut config, patch);
			let config: RuntimeGenesisConfig = serde_json::from_value(config).unwrap();
			sp_io::TestExternalities::default().execute_with(|| {
				config.build();
				assert_eq!(crate::Aura::authorities_len(), authorities);
				assert_eq!(crate::Balances::free_balance(AccountId::new(WORKER)), ENDOWMENT);
				assert_eq!(
					pallet_sudo::Key::<crate::Runtime>::get(),
					Some(Sr25519Keyring::Alice.to_account_id())
				);
			});
		}
	}

	#[test]
	fn an_unknown_preset_is_none() {
		assert_eq!(get_preset(&"mainnet".into()), None);
	}

	/// RFC 7396, for objects alone.
	fn merge(target: &mut Value, patch: Value) {
		match (target, patch) {
			(Value::Object(target), Value::Object(patch)) => {
				for (key, value) in patch {
					merge(target.entry(key).or_insert(Value::Null), value);
				}
			},
			(target, patch) => *target = patch,
		}
	}
}
