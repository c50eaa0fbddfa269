//! PROVE: drives any participant, whatever its language, as the coordinator would, and says whether it holds to the rules
//! of the barrier: what broke, what was seen, what it costs and what usually causes it.
//!
//! It links no other room, so that no mistake is on both sides: all it knows is what the documentation promises. It must
//! never guess what a participant's figures mean: it learns the effect of one clean run and expects multiples of it.
//! Read next: `checks/mod.rs` (the table of checks), `case.rs` (how one is judged), `cause.rs` (what failures mean).

mod answer;
mod case;
mod cause;
mod checks;
mod figures;
mod form;
mod identity;
mod junit;
mod race;
mod raw;
mod report;
mod signature;
mod stage;
mod target;
mod wire;

pub use form::Form;
pub use junit::junit;
pub use report::{Finding, Judged, Report, Row, Unjudged, Verdict};
pub use target::{Obstacle, Options, Target};

/// Drives `target` through every check that its forms allow.
///
/// Nobody else may use the participant meanwhile, and it must have enough to give: [`Options::units`] says how much.
///
/// # Errors
/// When there is nothing to judge: an address that is none or that nobody answers, a probe without figures.
pub async fn verify(target: &Target, options: &Options) -> Result<Report, Obstacle> {
    let wire = target::reach(target, options).await?;
    let mut report = Report::new(&target.name);
    for form in &target.forms {
        let stage = stage::Stage::new((target, form), options, wire.clone())?;
        report.run.clone_from(&stage.run);
        report.checks.extend(checks::run(&stage).await);
    }
    Ok(report)
}
