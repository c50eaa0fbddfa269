//! The program `lab`: reads its flags and runs the experiments. `cargo xtask crash` builds and starts it.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match lab::run(&lab::Args::parse()) {
        Ok(code) => code,
        Err(fault) => {
            eprintln!("lab: {fault:#}");
            ExitCode::from(2)
        }
    }
}
