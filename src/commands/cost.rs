//! `pollm cost`: what calls cost.

use std::io::Write;

use clap::{Args, Subcommand};

use crate::context::Context;
use crate::error::Result;

mod budget;
mod price;

/// Price calls.
#[derive(Debug, Args)]
pub struct CostArgs {
    /// What to do.
    #[command(subcommand)]
    command: CostCommand,
}

#[derive(Debug, Subcommand)]
enum CostCommand {
    /// Price a usage exactly: USD on stdout, the prices used on stderr
    Price(Box<price::PriceArgs>),
    /// Show, set and remove caps on spending
    Budget(budget::BudgetArgs),
}

/// Runs the command.
///
/// # Errors
/// Unknown models, counts that don't fit together.
pub fn run(args: &CostArgs, context: &Context, stdout: &mut dyn Write, stderr: &mut dyn Write) -> Result<()> {
    match &args.command {
        CostCommand::Price(args) => price::run(args, context, stdout, stderr),
        CostCommand::Budget(args) => budget::run(args, context, stdout, stderr),
    }
}
