//! Amounts: integers of an asset's smallest unit; decimal texts at the edges, never through floating point.

/// An amount as asked for. Texts are read when the asset, and so its scale, is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount<S> {
    /// Smallest units.
    Units(i128),
    /// A decimal in the asset's scale: `"12.50"`.
    Decimal(S),
    /// A whole number without a point, as a JSON number: only where the scale is 0.
    Whole(i128),
}
