//! Members about assets and accounts.

use ledger::{Adjust, Amount, Asset, Cause, Floor, Linked, Open, Standing};
use transaction::refusal::FIELD_MISSING;

use super::super::fields::{Field, Fields, Read};
use super::{cause, linked, read_amount, there};
use crate::refusal::FIELD_INVALID;

/// Declares an asset.
pub(super) fn asset(mut fields: Fields<'_>) -> Read<Asset<&str>> {
    let mut asset = Asset { code: "", scale: 0 };
    while let Some(field) = fields.next()? {
        match field.number {
            1 => asset.code = field.text()?,
            2 => {
                asset.scale = u8::try_from(field.number()?)
                    .map_err(|_| FIELD_INVALID.at("/scale", "an asset has 0 to 18 decimals"))?;
            }
            _ => return Err(field.unknown()),
        }
    }
    there([("/code", asset.code)])?;
    Ok(asset)
}

/// Opens an account.
pub(super) fn open(mut fields: Fields<'_>) -> Read<Open<&str>> {
    let mut open = Open {
        id: "",
        asset: "",
        floor: Floor::At(Amount::Units(0)),
        ceiling: None,
        lots: None,
        linked: Linked::No,
        cause: Cause::default(),
    };
    while let Some(field) = fields.next()? {
        match field.number {
            1 => open.id = field.text()?,
            2 => open.asset = field.text()?,
            // Of several the last one counts; one that says nothing leaves the default.
            3..=5 => open.floor = floor(field)?.unwrap_or(Floor::At(Amount::Units(0))),
            6 | 7 => open.ceiling = Some(read_amount(field, 6)?),
            8 => open.lots = field.word()?,
            9 => open.linked = linked(field)?,
            10 => open.cause = cause(field, open.cause)?,
            _ => return Err(field.unknown()),
        }
    }
    there([("/id", open.id), ("/asset", open.asset)])?;
    Ok(open)
}

/// Changes an account.
pub(super) fn adjust(mut fields: Fields<'_>) -> Read<Adjust<&str>> {
    let mut adjust =
        Adjust { id: "", account: "", floor: None, ceiling: None, standing: None, cause: Cause::default() };
    while let Some(field) = fields.next()? {
        match field.number {
            1 => adjust.id = field.text()?,
            2 => adjust.account = field.text()?,
            3..=5 => adjust.floor = floor(field)?,
            6 => adjust.ceiling = field.flag()?.then_some(None),
            7 | 8 => adjust.ceiling = Some(Some(read_amount(field, 7)?)),
            9 => adjust.standing = standing(field)?,
            10 => adjust.cause = cause(field, adjust.cause)?,
            _ => return Err(field.unknown()),
        }
    }
    there([("/id", adjust.id), ("/account", adjust.account)])?;
    if (adjust.floor, adjust.ceiling, adjust.standing) == (None, None, None) {
        return Err(FIELD_MISSING.because("an adjustment changes the floor, the ceiling or the standing"));
    }
    Ok(adjust)
}

/// A floor in fields 3 to 5: none at all, a decimal, units.
fn floor(field: Field<'_>) -> Read<Option<Floor<Amount<&str>>>> {
    match field.number {
        3 => Ok(field.flag()?.then_some(Floor::None)),
        _ => read_amount(field, 4).map(|amount| Some(Floor::At(amount))),
    }
}

fn standing(field: Field<'_>) -> Read<Option<Standing>> {
    match field.number()? {
        0 => Ok(None),
        1 => Ok(Some(Standing::Active)),
        2 => Ok(Some(Standing::Frozen)),
        3 => Ok(Some(Standing::Closed)),
        _ => Err(FIELD_INVALID.at("/standing", "this server knows active, frozen and closed")),
    }
}
