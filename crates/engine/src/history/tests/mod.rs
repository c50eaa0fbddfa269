//! Tests of the history: what a kill, a power cut and a lost file leave; what walks tell, against plain lists.

mod ended;
mod files;
mod long;
mod statements;
mod steps;
mod sums;
mod world;
