//! The chains that this node knows by name.

use crate::service::ExtraHostFunctions;
use aimodel_runtime::WASM_BINARY;
use sc_service::{ChainType, GenericChainSpec, Properties};
use sp_genesis_builder::{DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};

/// A chain specification. Its genesis is built by the runtime, which may call any of our host
/// functions.
pub(crate) type ChainSpec = GenericChainSpec<Option<()>, ExtraHostFunctions>;

/// One authority, Alice; well-known accounts.
pub(crate) fn development() -> Result<ChainSpec, String> {
	from_preset("Development", "dev", ChainType::Development, DEV_RUNTIME_PRESET)
}

/// Two authorities, Alice and Bob; well-known accounts.
pub(crate) fn local() -> Result<ChainSpec, String> {
	from_preset("Local Testnet", "local", ChainType::Local, LOCAL_TESTNET_RUNTIME_PRESET)
}

fn from_preset(
	name: &str,
	id: &str,
	chain_type: ChainType,
	preset: &str,
) -> Result<ChainSpec, String> {
	let wasm = WASM_BINARY.ok_or(
		"this node was built without a runtime (SKIP_WASM_BUILD was set); build it again, or give \
		 the path of a chain specification",
	)?;
	let mut properties = Properties::new();
	properties.insert("ss58Format".into(), 42.into());
	properties.insert("tokenDecimals".into(), 12.into());
	properties.insert("tokenSymbol".into(), "UNIT".into());
	Ok(ChainSpec::builder(wasm, None)
		.with_name(name)
		.with_id(id)
		.with_chain_type(chain_type)
		.with_genesis_config_preset_name(preset)
		.with_properties(properties)
		.build())
}
