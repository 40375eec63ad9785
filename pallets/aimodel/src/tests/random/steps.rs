//! What anybody does.

pub(super) mod models;
pub(super) mod money;
pub(super) mod plans;
pub(super) mod requests;
pub(super) mod sets;
pub(super) mod vouchers;
