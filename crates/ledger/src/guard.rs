//! Decides whether the guards of a move hold for an item now.

mod decimal;

pub(crate) use decimal::is_decimal;
