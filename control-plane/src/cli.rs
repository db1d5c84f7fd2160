//! The command line of `pennon`.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use pennon_core::snapshot::Kind;
use tracing_subscriber::EnvFilter;

use crate::ambient::{Clock, Random};
use crate::config::{self, ServeArgs, file};
use crate::log_lines::Lines;
use crate::offline::compile::CompileArgs;
use crate::offline::snapshot::VerifyArgs;
use crate::offline::{
    Failed, audit, check, compile, database, doctor, eval, import, keys, keysets, remote, snapshot,
    token, user,
};

/// Feature flags as signed snapshots, evaluated where they are needed.
#[derive(Debug, Parser)]
#[command(name = "pennon", version, about)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the control plane.
    #[command(after_help = file::REFERENCE)]
    Serve(Box<ServeArgs>),
    /// Read flags from a file into CONFIG.json and report on each of them.
    Import {
        /// The format of FILE.
        #[arg(long, value_enum)]
        from: import::Format,
        file: PathBuf,
        /// Where the flags go.
        #[arg(long, value_name = "CONFIG.json", required_unless_present = "server")]
        out: Option<PathBuf>,
        /// Where the report goes: imported, refused, notes.
        #[arg(long, value_name = "REPORT.json", required_unless_present = "server")]
        report: Option<PathBuf>,
        /// Import into a project of this server instead of into a file, and print the report.
        #[arg(long, value_name = "URL", conflicts_with_all = ["out", "report"])]
        server: Option<String>,
        /// The project's key on the server.
        #[arg(long, value_name = "KEY", default_value = "default", requires = "server")]
        project: String,
        /// The environment's key on the server, for a file of one environment.
        #[arg(long, value_name = "KEY", requires = "server")]
        environment: Option<String>,
        /// A file with an API token of the server; without it, PENNON_TOKEN holds one.
        #[arg(long, value_name = "FILE", requires = "server")]
        token_file: Option<PathBuf>,
        /// Only print what the server would do.
        #[arg(long, requires = "server")]
        dry_run: bool,
    },
    /// Write a whole project of a server into a file.
    Export(remote::ExportArgs),
    /// Compile CONFIG.json into the body of a snapshot; with a seed, sign its head.
    Compile(CompileArgs),
    /// Evaluate one case a line; print one outcome a line. Exit status 2: some lines were no cases. With --server: what a context gets there, or
    /// got at any version or time, and why.
    Eval {
        #[arg(long, value_name = "CONFIG.json", required_unless_present_any = ["snapshot", "server"])]
        config: Option<PathBuf>,
        /// The body of a snapshot.
        #[arg(long, value_name = "FILE", conflicts_with = "config")]
        snapshot: Option<PathBuf>,
        #[arg(long, value_name = "CASES.jsonl", required_unless_present = "server")]
        cases: Option<PathBuf>,
        /// Compile --config for this kind: server, client or edge. With --server: whose snapshot, server or client.
        #[arg(long, value_parser = compile::kind, default_value = "server")]
        kind: Kind,
        /// Ask this server.
        #[arg(long, value_name = "URL", conflicts_with_all = ["config", "snapshot", "cases"], requires_all = ["environment", "flag"])]
        server: Option<String>,
        /// The project's key on the server.
        #[arg(long, value_name = "KEY", default_value = "default", requires = "server")]
        project: String,
        /// The environment's key on the server.
        #[arg(long, value_name = "KEY", requires = "server")]
        environment: Option<String>,
        /// A file with an API token of the server; without it, PENNON_TOKEN holds one.
        #[arg(long, value_name = "FILE", requires = "server")]
        token_file: Option<PathBuf>,
        #[arg(long, value_name = "KEY", requires = "server")]
        flag: Option<String>,
        #[arg(long, value_name = "JSON", default_value = "{}", requires = "server")]
        context: String,
        /// A version, or a time such as 2026-11-25T10:00:00Z [default: what is published now]
        #[arg(long, value_name = "VERSION|TIME", requires = "server")]
        at: Option<String>,
    },
    /// Every edge with the version it runs, its age and its errors.
    Edges(remote::EdgesArgs),
    /// Say what is wrong with CONFIG.json, and what is hardly meant. Exit status 1: it does not compile.
    Check {
        #[arg(value_name = "CONFIG.json")]
        file: PathBuf,
        #[arg(long, value_enum, default_value_t = check::Format::Text)]
        format: check::Format,
        /// Warnings lead to exit status 1 too.
        #[arg(long)]
        deny_warnings: bool,
        /// Unix milliseconds: what is over by then is found [default: the time it is]
        #[arg(long, value_name = "MS", allow_negative_numbers = true)]
        now: Option<i64>,
    },
    /// Look into the files of a snapshot.
    Snapshot {
        #[command(subcommand)]
        command: SnapshotCommand,
    },
    /// Make a new admin token on the database and print it, when the old one is lost.
    Token(token::TokenArgs),
    /// Work with the people in the database, when nobody can sign in.
    User {
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Write the whole database into one file, while the server runs.
    Backup(database::BackupArgs),
    /// Fill a new database from a backup; the backup may come from the other kind of database.
    Restore(database::RestoreArgs),
    /// Bring the database to the shape that this program wants; `pennon serve` does it as well when it starts.
    Migrate(database::MigrateArgs),
    /// Check the configuration and all that the server leans on; one line for each, with what to do. Exit status 1: something is wrong.
    Doctor(Box<ServeArgs>),
    /// Work with the audit log.
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Print the JSON Schema of CONFIG.json.
    Schema,
    /// Work with keys.
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
}

#[derive(Debug, Subcommand)]
enum SnapshotCommand {
    /// Print a head, a keyset or a body as JSON.
    Show { file: PathBuf },
    /// Check a head and a body as a client does that sees them for the first time.
    Verify(VerifyArgs),
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Make a person, who can sign in at once.
    Create(user::CreateArgs),
    /// Give a person a new password; one who was disabled is enabled, and whatever was open under the old password ends.
    ResetPassword(user::UserArgs),
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Check that no entry was changed, removed or put elsewhere; print each project's newest hash. Exit status 1: something was.
    Verify(audit::VerifyArgs),
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Print the root fingerprint that connection strings carry.
    Fingerprint {
        #[arg(
            long,
            env = "PENNON_ROOT_KEY_FILE",
            value_name = "FILE",
            default_value = "pennon-data/root.key"
        )]
        root_key_file: PathBuf,
    },
    /// Make a root key in a new file, on a machine that nobody reaches; a first start takes it with --root-key-file.
    InitRoot {
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// The newest keyset, and what its keys may sign.
    List(keysets::ListArgs),
    /// Make one more signing key, and the keyset that allows it.
    New(keysets::NewArgs),
    /// Make a fresh signing key for everything, and the keyset that allows it; then revoke the old ones.
    Rotate(keysets::RotateArgs),
    /// Make the keyset that does not allow a key any more.
    Revoke(keysets::RevokeArgs),
    /// Sign a drafted keyset with the root key; needs no database.
    Sign(keys::SignArgs),
    /// Take a keyset that was signed elsewhere.
    Install(keysets::InstallArgs),
}

/// Reads the command line and runs it.
pub fn run() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let settings =
        file::find(&arguments, std::env::var_os(file::VARIABLE)).map(|path| file::read(&path));
    let (command, mistakes) = file::defaults(Line::command(), settings);
    let matches = command.get_matches_from(arguments);
    let line = Line::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match line.command {
        Command::Serve(args) => serve(&args, mistakes),
        Command::Doctor(args) => {
            install_tls();
            let (lines, well) = doctor::examine(&args, mistakes, &Clock::System);
            let told = print(&format!("{}\n", lines.join("\n")));
            if well && told.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        _ if !mistakes.is_empty() => {
            mistakes.iter().for_each(|mistake| complain(mistake));
            ExitCode::FAILURE
        }
        command => match offline(command) {
            Ok(code) => code,
            Err(failed) => {
                complain(&failed.to_string());
                ExitCode::FAILURE
            }
        },
    }
}

fn offline(command: Command) -> Result<ExitCode, Failed> {
    let clock = Clock::System;
    match command {
        Command::Serve(_) | Command::Doctor(_) => {}
        Command::Import {
            from,
            file,
            out,
            report,
            server,
            project,
            environment,
            token_file,
            dry_run,
        } => match (server, out, report) {
            (Some(server), ..) => {
                install_tls();
                let to = remote::ImportTo { server, project, environment, token_file, dry_run };
                print_json(&remote::import(from, &file, &to)?)?;
            }
            (None, Some(out), Some(report)) => import::import(from, &file, &out, &report)?,
            _ => return Err(Failed("give --out and --report, or --server".to_owned())),
        },
        Command::Export(args) => {
            install_tls();
            remote::export(&args)?;
        }
        Command::Compile(args) => compile::run(&args, &clock)?,
        Command::Eval {
            server: Some(server),
            project,
            environment: Some(environment),
            token_file,
            flag: Some(flag),
            context,
            at,
            kind,
            ..
        } => {
            install_tls();
            print_json(&remote::evaluate(&remote::Question {
                server,
                project,
                environment,
                token_file,
                flag,
                context,
                at,
                kind,
            })?)?;
        }
        Command::Edges(args) => {
            install_tls();
            print(&remote::edges(&args)?)?;
        }
        Command::Eval { config, snapshot, cases, kind, .. } => {
            let cases = cases.ok_or_else(|| Failed("give --cases".to_owned()))?;
            let source = match (&config, &snapshot) {
                (Some(path), _) => eval::Source::Config(path),
                (None, Some(path)) => eval::Source::Snapshot(path),
                (None, None) => return Err(Failed("give --config or --snapshot".to_owned())),
            };
            let (out, complaints) = (&mut std::io::stdout().lock(), &mut std::io::stderr().lock());
            if !eval::run(&source, &cases, kind, out, complaints)? {
                return Ok(ExitCode::from(2));
            }
        }
        Command::Check { file, format, deny_warnings, now } => {
            let now = now.unwrap_or_else(|| clock.now_ms());
            let (text, passed) = check::check(&file, format, deny_warnings, now)?;
            print(&text)?;
            if !passed {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Snapshot { command: SnapshotCommand::Show { file } } => {
            print_json(&snapshot::show(&file)?)?
        }
        Command::Snapshot { command: SnapshotCommand::Verify(args) } => {
            print_json(&snapshot::verify(&args, &clock)?)?
        }
        Command::Token(args) => {
            install_tls();
            print(&format!("{}\n", token::create(&args, &clock, &Random::System)?))?;
        }
        Command::User { command } => {
            install_tls();
            print(&match command {
                UserCommand::Create(args) => user::create(&args, &clock, &Random::System)?,
                UserCommand::ResetPassword(args) => user::reset_password(&args, &Random::System)?,
            })?;
        }
        Command::Backup(args) => {
            install_tls();
            print(&format!("{}\n", database::backup(&args, &clock)?))?;
        }
        Command::Restore(args) => {
            install_tls();
            print(&format!("{}\n", database::restore(&args, &clock)?.join("\n")))?;
        }
        Command::Migrate(args) => {
            install_tls();
            let (lines, fits) = database::migrate(&args, &clock)?;
            print(&format!("{}\n", lines.join("\n")))?;
            if !fits {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Audit { command: AuditCommand::Verify(args) } => {
            install_tls();
            let (lines, sound) = audit::verify(&args)?;
            print(&format!("{}\n", lines.join("\n")))?;
            if !sound {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Schema => print_json(&pennon_core::config::schema())?,
        Command::Keys { command } => {
            install_tls();
            let random = Random::System;
            print(&match command {
                KeysCommand::Fingerprint { root_key_file } => {
                    format!("{}\n", keys::fingerprint(&root_key_file)?)
                }
                KeysCommand::InitRoot { file } => keys::init_root(&file, &random)?,
                KeysCommand::Sign(args) => keys::sign(&args)?,
                KeysCommand::List(args) => keysets::list(&args)?,
                KeysCommand::Install(args) => keysets::install(&args, &clock)?,
                KeysCommand::New(args) => keysets::new(&args, &clock, &random)?,
                KeysCommand::Rotate(args) => keysets::rotate(&args, &clock, &random)?,
                KeysCommand::Revoke(args) => keysets::revoke(&args, &clock, &random)?,
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn serve(args: &ServeArgs, mut mistakes: Vec<String>) -> ExitCode {
    let secret = std::env::var("PENNON_SECRET").ok();
    let config = match (config::read(args, secret.as_deref()), mistakes.is_empty()) {
        (Ok(config), true) => config,
        (result, _) => {
            mistakes.extend(result.err().unwrap_or_default());
            mistakes.iter().for_each(|mistake| complain(mistake));
            return ExitCode::FAILURE;
        }
    };
    // It was checked with the others.
    let filter = EnvFilter::new(&args.log_level);
    tracing_subscriber::fmt()
        .event_format(Lines)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    install_tls();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("no threads can be started: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(crate::serve::serve(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "cannot start");
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn install_tls() {
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::debug!("a TLS provider is installed already");
    }
}

fn print_json(value: &serde_json::Value) -> Result<(), Failed> {
    print(&format!("{value:#}\n"))
}

fn print(text: &str) -> Result<(), Failed> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever read the output has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| Failed(format!("standard output: {error}"))),
    }
}

fn complain(sentence: &str) {
    // When standard error is gone there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "pennon: {sentence}");
}
