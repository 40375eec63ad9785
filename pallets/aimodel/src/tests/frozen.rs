//! What signed transactions and stored data depend on: names and numbers that never change. Others may
//! be added.

use super::world::*;
use crate::*;
use frame_support::traits::{GetCallIndex, GetCallName, StorageInfoTrait};

#[test]
fn calls_keep_their_names_and_indices() {
	let names = Call::<Test>::get_call_names().iter().copied();
	let calls: Vec<_> = names.zip(Call::<Test>::get_call_indices().iter().copied()).collect();
	let frozen = [
		("deploy", 0),
		("upgrade", 1),
		("reprice", 2),
		("resplit", 3),
		("transfer", 4),
		("accept_transfer", 5),
		("retire", 6),
		("request", 7),
		("submit_result", 8),
		("cancel", 9),
		("expire", 10),
		("advance", 11),
		("withdraw", 12),
		("set_platform_share", 13),
		("submit_results", 14),
		("set_budget", 15),
		("set_access", 20),
		("pause", 21),
		("unpause", 22),
		("allow", 23),
		("disallow", 24),
		("rollback", 30),
		("close", 31),
		("describe", 32),
		("publish", 33),
		("stage", 34),
		("promote", 35),
		("abort", 36),
		("deprecate", 37),
		("withdraw_to", 40),
		("set_incentive_share", 41),
		("claim_reward", 42),
		("set_plans", 50),
		("subscribe", 51),
		("renew", 52),
		("change_plan", 53),
		("cancel_subscription", 54),
		("close_subscription", 55),
		("fund_pot", 56),
		("withdraw_pot", 57),
		("request_by_plan", 58),
		("settle_calls", 59),
		("set_lock", 70),
		("withdraw_approval", 71),
		("post_service_bond", 60),
		("withdraw_service_bond", 61),
		("waive_penalty", 62),
	];
	for call in frozen {
		assert!(calls.contains(&call), "{call:?} is not among {calls:?}");
	}
}

#[test]
fn storage_keeps_its_names() {
	let kept = Aimodel::storage_info();
	let kept: Vec<_> =
		kept.iter().map(|item| String::from_utf8_lossy(&item.storage_name)).collect();
	let frozen = "Outputs Tips Versions Allowed History Deprecations ModelsOf ModelsTagged Closing \
	              OpenRequests Requests NextRequest Waiting DueRequests DueCursor Settlements Prunable \
	              PruneCursor Customers PrunableCustomers CustomerCursor Records Prices Incomes Earnings \
	              IncentiveShare Eras Merits PlatformShare DefaultWeakestOrigin Subscriptions Audiences \
	              NextTerm Pots Fallbacks Approvals ServiceBonds";
	for name in frozen.split_whitespace() {
		assert!(kept.iter().any(|kept| kept == name), "{name} is not among {kept:?}");
	}
}
