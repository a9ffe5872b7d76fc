//! The command line.

mod admin;
mod audit;
mod check;
mod erase;
mod rights;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use signaling::config::{Flags, Loaded, load};

/// Live voice and video help for shops.
#[derive(Parser)]
#[command(name = "vitrine", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server until SIGTERM or Ctrl-C.
    Serve(Flags),
    /// Say whether the settings can work on this machine, one line a check; ends with 1 if they cannot.
    Check(Flags),
    /// Add an account for a member of staff, or give it a new password.
    User(admin::User),
    /// Show or change what a member of staff may do.
    Rights(rights::Rights),
    /// Read and verify the audit log.
    Audit(audit::Audit),
    /// Erase a buyer for good and get a signed certificate.
    Erase(erase::Erase),
    /// Check certificates of erasures.
    Erasure(erase::ErasureCommand),
    /// Make an API key, with which a shop mints tokens for its buyers.
    Key(admin::Key),
    /// Print the version.
    Version,
}

/// Does what the command line says.
pub(crate) fn run() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(flags) => with_settings(&flags, serve::run),
        Command::Check(flags) => with_settings(&flags, |loaded| check::run(&loaded)),
        Command::User(user) => with_settings(&user.flags(), |loaded| admin::user(&user, &loaded.settings)),
        Command::Rights(rights) => {
            with_settings(&rights.flags(), |loaded| rights::run(&rights, &loaded.settings))
        }
        Command::Audit(audit) => with_settings(&audit.flags(), |loaded| audit::run(&audit, &loaded.settings)),
        Command::Erase(erase) => {
            with_settings(&erase.flags(), |loaded| erase::erase(&erase, &loaded.settings))
        }
        Command::Erasure(command) => {
            with_settings(&command.flags(), |loaded| erase::erasure(&command, &loaded.settings))
        }
        Command::Key(key) => with_settings(&key.flags(), |loaded| admin::key(&key, &loaded.settings)),
        Command::Version => {
            println!("vitrine {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
    }
}

fn with_settings(flags: &Flags, then: impl FnOnce(Loaded) -> ExitCode) -> ExitCode {
    match load(flags) {
        Ok(loaded) => then(loaded),
        Err(error) => fail(error),
    }
}

/// Says why not.
fn fail(error: impl std::fmt::Display) -> ExitCode {
    eprintln!("vitrine: {error}");
    ExitCode::FAILURE
}

/// A runtime for commands that need one.
fn block_on<T>(future: impl Future<Output = T>) -> std::io::Result<T> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(future))
}
