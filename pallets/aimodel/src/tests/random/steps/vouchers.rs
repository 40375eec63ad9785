//! Workers claim what subscribers signed for, or did not.

use super::super::{super::world::*, scenario::Scenario, SEED, SIGNER, WORKERS};
use crate::*;
use aimodel_primitives::voucher::{Claim, Voucher};
use sp_core::{sr25519, Pair};
use sp_runtime::AccountId32;

pub(in super::super) fn settle_calls(scenario: &mut Scenario) {
	let periods = scenario.book.periods.iter().filter(|((who, _), _)| *who == SIGNER);
	let periods: Vec<_> = periods.map(|((_, model), period)| (*model, period.clone())).collect();
	let Some((model, period)) = scenario.dice.pick(&periods) else { return };
	let [named, claiming] = {
		let worker = scenario.dice.pick(&WORKERS).unwrap();
		let other = scenario.dice.pick(&WORKERS).unwrap();
		[worker.clone(), if scenario.dice.once_in(6) { other } else { worker }]
	};
	let settled = |who: &AccountId32| {
		scenario.book.vouched.get(&(period.number, who.clone())).copied().unwrap_or_default()
	};
	let before = settled(&claiming);
	// Of some more calls than were settled, or as many, or fewer.
	let calls = (before + scenario.dice.roll(5)).saturating_sub(1);
	let signed = (calls + scenario.dice.roll(4)).saturating_sub(1);
	let late = scenario.dice.once_in(8);
	let term = Aimodel::subscription(&SIGNER, &model).unwrap().term + u64::from(late);
	let genesis = System::block_hash(0);
	let voucher = Voucher { genesis, model, worker: named.clone().into(), term, calls: signed };
	let signature = sr25519::Pair::from_seed(&SEED).sign(&voucher.message());
	let claim = Claim { account: SIGNER, model, signed, signature, calls };

	let sound = named == claiming && !late && before < calls && calls <= signed;
	let room = Tips::<Test>::contains_key(model)
		&& period.room(scenario.book.agree(&SIGNER, model).draw_of_largest().gross) > 0;
	let claims = vec![claim].try_into().unwrap();
	let done = scenario.call(&operator(&claiming), Call::settle_calls { claims });
	assert_eq!(done.is_ok(), sound && room, "{done:?}");
}
