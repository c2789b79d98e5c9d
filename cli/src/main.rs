//! The program `evergrant`.

mod arguments;
mod commands;
mod input;
mod log;
mod options;
mod output;
mod resume;
mod rows;
mod source;
mod stop;
mod template;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Keeps Bitrix24 authorization alive: log in once, call for ever.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Program {
    /// Say more on standard error: -v progress, -vv requests, -vvv everything. Secrets are cut out.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the whole way on this machine alone: consent, call, expiry, rotation, ten thousand leads.
    Demo(commands::demo::Demo),
    /// Run an authorization server and a portal on loopback, for development and tests.
    Emulator(commands::emulator::EmulatorCommand),
    // Its help says more than a line.
    Login(commands::login::Login),
    /// Print an access token that lives, renewing it first if it must be.
    Token(commands::token::TokenCommand),
    /// Call one REST method.
    Call(commands::call::Call),
    // Their help says more than a line.
    Batch(commands::batch::BatchCommand),
    List(commands::list::ListCommand),
    // Their help says more than a line.
    Grants(commands::grants::Grants),
    /// Write and check process templates for Corezoid, Node-RED and n8n.
    Template(commands::template::Template),
}

fn main() -> ExitCode {
    no_core_dumps();
    let program = Program::parse();
    log::start(program.verbose);
    evergrant::process::choose_cryptography();
    run(program.command).unwrap_or_else(|error| {
        output::complain(&error, program.verbose > 0);
        ExitCode::FAILURE
    })
}

fn run(command: Command) -> evergrant::Result<ExitCode> {
    evergrant::process::runtime()?.block_on(async {
        match command {
            // It ends by the same signals, in its own way.
            Command::Emulator(emulator) => emulator.run().await.map(|()| ExitCode::SUCCESS),
            command => stop::until_stopped(one(command)).await,
        }
    })
}

async fn one(command: Command) -> evergrant::Result<ExitCode> {
    match command {
        Command::Demo(demo) => demo.run().await,
        Command::Emulator(emulator) => emulator.run().await,
        Command::Login(login) => login.run().await,
        Command::Token(token) => token.run().await,
        Command::Call(call) => call.run().await,
        Command::Batch(batch) => return batch.run().await,
        Command::List(list) => list.run().await,
        Command::Grants(grants) => return grants.run().await,
        Command::Template(template) => return template.run().await,
    }
    .map(|()| ExitCode::SUCCESS)
}

/// A core file would hold tokens in plain text.
fn no_core_dumps() {
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    // Where even lowering a limit is refused, there is nothing more to be done about it.
    let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);
}
