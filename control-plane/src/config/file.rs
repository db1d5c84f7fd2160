//! Settings from a TOML file. They become the defaults of the flags, so that a variable beats the file and a flag beats both, by clap's
//! own rules.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{Arg, Command};
use toml::{Table, Value};

/// Names the file when no flag does.
pub const VARIABLE: &str = "PENNON_CONFIG_FILE";
const FLAG: &str = "--config-file";
/// The longest file.
const MAX_BYTES: u64 = 1024 * 1024;

/// What stands below the options of `pennon serve --help`.
pub const REFERENCE: &str = "Each setting has three names: the flag, the variable in [env: ...], and the key in [file: ...] of the TOML file. \
    The flag wins over the variable, the variable over the file, the file over the default.\n\
    PENNON_SECRET holds the 64 hex digits that seal signing keys and webhook secrets at rest; there is no flag for it, because command lines are readable by others.";

/// What a file says: a list for what may be given several times.
type Settings = BTreeMap<String, Vec<String>>;

/// Which file is configured: the flag is looked for by hand, since the file has to be read before the flags are.
pub fn find(arguments: &[OsString], variable: Option<OsString>) -> Option<PathBuf> {
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == FLAG {
            return arguments.next().map(PathBuf::from);
        }
        let inline = argument.to_str().and_then(|text| text.strip_prefix(FLAG)?.strip_prefix('='));
        if let Some(path) = inline {
            return Some(PathBuf::from(path));
        }
        if argument == "--" {
            break;
        }
    }
    variable.filter(|path| path != OsStr::new("")).map(PathBuf::from)
}

/// Reads a file.
///
/// # Errors
/// One sentence for each mistake.
pub fn read(path: &Path) -> Result<Settings, Vec<String>> {
    let wrong = |why: &dyn std::fmt::Display| vec![format!("{FLAG} {}: {why}", path.display())];
    let length = std::fs::metadata(path).map_err(|error| wrong(&error))?.len();
    if length > MAX_BYTES {
        return Err(wrong(&format!("it has more than {MAX_BYTES} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
    parse(&text).map_err(|mistakes| mistakes.iter().flat_map(|mistake| wrong(mistake)).collect())
}

fn parse(text: &str) -> Result<Settings, Vec<String>> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        // Without the line itself: it may hold a password.
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or("");
        vec![format!("line {}: {}", before.matches('\n').count() + 1, error.message())]
    })?;
    let mut mistakes = Vec::new();
    let mut settings = Settings::new();
    for (key, value) in table {
        let values = match &value {
            Value::Array(items) => items.iter().map(scalar).collect::<Option<Vec<_>>>(),
            value => scalar(value).map(|text| vec![text]),
        };
        match values {
            Some(values) => drop(settings.insert(key, values)),
            None => mistakes
                .push(format!("{key}: give a text, a number, true or false, or a list of them")),
        }
    }
    if mistakes.is_empty() { Ok(settings) } else { Err(mistakes) }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// Makes what the file says the defaults of every command's flags, and shows the name in the file in their help. Answers the mistakes
/// of the file, to be told with all others.
pub fn defaults(
    command: Command,
    settings: Option<Result<Settings, Vec<String>>>,
) -> (Command, Vec<String>) {
    let (settings, mut mistakes) = match settings {
        None => (Settings::new(), Vec::new()),
        Some(Ok(settings)) => (settings, Vec::new()),
        Some(Err(mistakes)) => (Settings::new(), mistakes),
    };
    // `serve` has every setting; the others have some of them.
    let known: Vec<String> = command
        .find_subcommand("serve")
        .map(|serve| serve.get_arguments().filter_map(setting).map(str::to_owned).collect())
        .unwrap_or_default();
    for (key, values) in &settings {
        let several = command.find_subcommand("serve").is_some_and(|serve| {
            serve.get_arguments().any(|arg| setting(arg) == Some(key) && takes_several(arg))
        });
        if !known.contains(key) {
            mistakes.push(format!(
                "{FLAG}: there is no setting {key:?}; `pennon serve --help` names them"
            ));
        } else if values.len() != 1 && !several {
            mistakes.push(format!("{FLAG}: {key}: give one value, not a list"));
        }
    }
    let commands: Vec<String> =
        command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    let command = commands.iter().fold(command, |command, name| {
        command.mut_subcommand(name, |command| apply(command, &settings, &known))
    });
    (command, mistakes)
}

fn apply(command: Command, settings: &Settings, known: &[String]) -> Command {
    let inner: Vec<String> =
        command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    let command = inner.iter().fold(command, |command, name| {
        command.mut_subcommand(name, |command| apply(command, settings, known))
    });
    command.mut_args(|arg| {
        let Some(name) = setting(&arg).filter(|name| known.iter().any(|known| known == name))
        else {
            return arg;
        };
        let name = name.to_owned();
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let arg = arg.help(format!("{help} [file: {name}]"));
        let Some(values) = settings.get(&name) else { return arg };
        // What may hold a password is not shown.
        let secret = arg.is_hide_env_values_set();
        arg.hide_default_value(secret).default_values(values.clone())
    })
}

/// The name of an argument in the file: what a variable can set, a file can.
fn setting(arg: &Arg) -> Option<&str> {
    arg.get_env()?;
    arg.get_long().filter(|long| !FLAG.ends_with(long))
}

fn takes_several(arg: &Arg) -> bool {
    matches!(arg.get_action(), clap::ArgAction::Append)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ServeArgs;
    use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: Commands,
    }

    #[derive(Subcommand)]
    enum Commands {
        Serve(Box<ServeArgs>),
    }

    fn serve(text: &str, flags: &[&str]) -> (ServeArgs, Vec<String>) {
        let (command, mistakes) = defaults(Line::command(), Some(parse(text)));
        let matches = command.get_matches_from([&["pennon", "serve"], flags].concat());
        let Commands::Serve(args) = Line::from_arg_matches(&matches).unwrap().command;
        (*args, mistakes)
    }

    #[test]
    fn a_flag_beats_the_file() {
        let text =
            "listen = \"0.0.0.0:1\"\ndata-dir = '/data'\nedge = ['http://a=1', 'http://b=2']\n";
        let (args, mistakes) = serve(text, &[]);
        assert_eq!(mistakes, [""; 0]);
        assert_eq!(
            (args.listen.as_str(), args.place.data_dir.to_str()),
            ("0.0.0.0:1", Some("/data"))
        );
        assert_eq!(args.edges, ["http://a=1", "http://b=2"]);
        let (args, _) = serve(text, &["--listen", "0.0.0.0:2", "--edge", "http://c=3"]);
        assert_eq!(
            (args.listen.as_str(), args.edges.as_slice()),
            ("0.0.0.0:2", &["http://c=3".to_owned()][..])
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (text, named) in [
            ("colour = 1", "colour"),
            ("listen = ['a', 'b']", "listen"),
            ("listen = { a = 1 }", "listen"),
            ("config-file = 'x'", "config-file"),
            ("a = 1\nlisten = ", "line 2"),
        ] {
            let (_, mistakes) = serve(text, &[]);
            assert_eq!(mistakes.len(), 1, "{text}");
            assert!(mistakes[0].contains(named), "{mistakes:?}");
        }
        let (_, mistakes) = serve("database = \"postgres://u:hunter2@h/d\" x", &[]);
        assert!(!mistakes[0].contains("hunter2"), "{mistakes:?}");
    }

    #[test]
    fn finds_the_file() {
        let arguments = |texts: &[&str]| texts.iter().map(OsString::from).collect::<Vec<_>>();
        let variable = || Some(OsString::from("/variable"));
        for (texts, expected) in [
            (&["pennon", "serve", "--config-file", "/flag"][..], Some("/flag")),
            (&["pennon", "serve", "--config-file=/flag"], Some("/flag")),
            (&["pennon", "serve"], Some("/variable")),
            (&["pennon", "serve", "--", "--config-file=/flag"], Some("/variable")),
        ] {
            assert_eq!(find(&arguments(texts), variable()).as_deref(), expected.map(Path::new));
        }
        assert_eq!(find(&arguments(&["pennon"]), Some(OsString::new())), None);
    }

    #[test]
    fn the_help_is_the_reference() {
        let (command, _) = defaults(Line::command(), None);
        let serve = command.find_subcommand("serve").unwrap();
        let mut settings = 0;
        for arg in serve.get_arguments().filter(|arg| arg.get_long() != Some("help")) {
            let (long, help) = (arg.get_long().unwrap(), arg.get_help().unwrap().to_string());
            let variable = arg.get_env().unwrap_or_else(|| panic!("--{long} has no variable"));
            assert!(variable.to_str().unwrap().starts_with("PENNON_"), "{variable:?}");
            if format!("--{long}") != FLAG {
                assert!(help.ends_with(&format!("[file: {long}]")), "{help}");
                settings += 1;
            }
        }
        assert!(settings > 10, "{settings}");
        let secret = ["postgres://u:hunter2@h/d"].map(|url| format!("database = {url:?}"));
        let (mut command, _) = defaults(Line::command(), Some(parse(&secret[0])));
        let serve = command.find_subcommand_mut("serve").unwrap();
        assert!(!serve.render_long_help().to_string().contains("hunter2"));
    }
}
