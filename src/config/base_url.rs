//! Where a provider's requests go: the vendor's own variable, the
//! configuration, the catalog.

use url::Url;

use super::Config;
use super::effective::{Origin, Sourced};
use crate::env::Env;
use crate::error::{Error, Result};

/// A vendor's variable for its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BaseUrlVariable {
    /// The provider whose address it is.
    pub provider: &'static str,
    /// The variable.
    pub name: &'static str,
    /// What the vendor's own client appends before an API's path, and so
    /// isn't part of the variable: its value may still end in a version.
    pub suffix: &'static str,
}

const fn variable(provider: &'static str, name: &'static str, suffix: &'static str) -> BaseUrlVariable {
    BaseUrlVariable { provider, name, suffix }
}

/// The variables that vendors' own clients and servers read. `OLLAMA_HOST` has
/// rules of its own: [`from_ollama_host`].
pub const BASE_URL_VARIABLES: &[BaseUrlVariable] = &[
    variable("openai", "OPENAI_BASE_URL", ""),
    variable("anthropic", "ANTHROPIC_BASE_URL", "/v1"),
    variable("google", "GOOGLE_GEMINI_BASE_URL", "/v1beta"),
    variable("azure", "AZURE_OPENAI_ENDPOINT", "/openai/v1"),
    variable("groq", "GROQ_BASE_URL", "/openai/v1"),
    variable("cerebras", "CEREBRAS_BASE_URL", "/v1"),
    variable("together", "TOGETHER_BASE_URL", ""),
    variable("ollama", "OLLAMA_HOST", "/v1"),
    variable("lmstudio", "LMSTUDIO_BASE_URL", "/v1"),
    variable("llamacpp", "LLAMACPP_BASE_URL", "/v1"),
    variable("vllm", "VLLM_BASE_URL", "/v1"),
];

/// A provider's address without a final slash: its variable, the
/// configuration's row, or the catalog's `built_in` one. `None` where there is
/// none of them. `${NAME}` in the latter two is filled in from the environment.
///
/// # Errors
/// An address that is none, or a variable that it needs and that is not set.
pub fn base_url(
    provider: &str,
    env: &Env,
    config: &Config,
    built_in: Option<&str>,
) -> Result<Option<Sourced<String>>> {
    let own = BASE_URL_VARIABLES.iter().find(|variable| variable.provider == provider);
    if let Some((variable, text)) = own.and_then(|own| env.get(own.name).map(|text| (own, text))) {
        let text = if variable.name == "OLLAMA_HOST" { from_ollama_host(&text) } else { text };
        let url = checked(text.trim()).map_err(|why| invalid(&format!("`{}`", variable.name), why))?;
        let url = if ends_in_version(&url) { url } else { url + variable.suffix };
        return Ok(Some(Sourced::new(url, Origin::Env(variable.name))));
    }
    let row = config.providers.get(provider).and_then(|row| row.base_url.as_deref());
    let (text, origin) = match (row, built_in) {
        (Some(text), _) => (text, Origin::File),
        (None, Some(text)) => (text, Origin::BuiltIn),
        (None, None) => return Ok(None),
    };
    let url = expand(provider, text, env)?;
    let url = checked(&url).map_err(|why| invalid(&format!("the address of provider {provider}"), why))?;
    Ok(Some(Sourced::new(url, origin)))
}

fn invalid(what: &str, why: String) -> Error {
    let mut error = Error::config(format!("{what} is not a usable address"));
    error.causes.push(why);
    error
}

/// Checks an address and takes its final slashes off. Nothing of the address
/// is in the error, since it may hold a password.
pub(super) fn checked(text: &str) -> Result<String, String> {
    if pieces(text).any(|piece| !piece.is_variable && piece.text.contains("${")) {
        return Err("a variable is written `${NAME}`".to_owned());
    }
    // A variable in braces stands for something that fits.
    let plain =
        pieces(text).map(|piece| if piece.is_variable { "x" } else { piece.text }).collect::<String>();
    let scheme = "expected an address that begins with `http://` or `https://`".to_owned();
    let url = match Url::parse(&plain) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) => return Err(scheme),
        Err(error) => return Err(error.to_string()),
    };
    if !matches!(url.scheme(), "http" | "https") {
        return Err(scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an address may not hold a user name or a password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("an address ends before any `?` or `#`".to_owned());
    }
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("an address may not hold blanks".to_owned());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Whether the last part of the path is a version: `v1`, `v1beta`.
fn ends_in_version(url: &str) -> bool {
    let last = url.rsplit('/').next().unwrap_or_default();
    last.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Literal text, or the names between `${` and `}`.
struct Piece<'a> {
    text: &'a str,
    is_variable: bool,
}

fn pieces(template: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some((names, behind)) = rest.strip_prefix("${").and_then(|inside| inside.split_once('}')) {
            rest = behind;
            return Some(Piece { text: names, is_variable: true });
        }
        // An opening without its end is plain text, and then no valid address.
        let skip = if rest.starts_with("${") { 2 } else { 0 };
        let end = rest[skip..].find("${").map_or(rest.len(), |at| at + skip);
        let (text, behind) = rest.split_at(end);
        rest = behind;
        Some(Piece { text, is_variable: false })
    })
}

/// Fills in `${NAME}` from the environment; of `${A|B}` the first that is set.
///
/// # Errors
/// Where none of the names is set.
pub fn expand(provider: &str, template: &str, env: &Env) -> Result<String> {
    let mut text = String::with_capacity(template.len());
    for piece in pieces(template) {
        if !piece.is_variable {
            text.push_str(piece.text);
            continue;
        }
        let value = piece.text.split('|').find_map(|name| env.get(name));
        let names = piece.text.replace('|', " or ");
        text.push_str(value.as_deref().map(str::trim).filter(|value| !value.is_empty()).ok_or_else(
            || {
                Error::config(format!("the address of provider {provider} needs {names}, which is not set"))
                    .hint(format!("set {names}, or `base_url` below `[providers.{provider}]`"))
            },
        )?);
    }
    Ok(text)
}

/// Reads `OLLAMA_HOST` as Ollama's own client does (`envconfig/config.go`,
/// v0.33): scheme, port and host may be missing; the port is then that of the
/// scheme, or 11434 without one. The variable is also the address that the
/// server listens on: "every address" means this machine to a client.
pub fn from_ollama_host(text: &str) -> String {
    let text = text.trim().trim_matches(['"', '\'']).trim();
    let (scheme, rest, default_port) = match text.split_once("://") {
        Some(("https", rest)) => ("https", rest, "443"),
        Some(("http", rest)) => ("http", rest, "80"),
        Some((scheme, rest)) => (scheme, rest, "11434"),
        None if text == "ollama.com" => ("https", text, "443"),
        None => ("http", text, "11434"),
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = split_port(authority);
    let port = port.filter(|port| port.parse::<u16>().is_ok()).unwrap_or(default_port);
    let host = match host.trim_matches(['[', ']']) {
        "" | "0.0.0.0" => "127.0.0.1".to_owned(),
        "::" => "[::1]".to_owned(),
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    };
    format!("{scheme}://{host}:{port}/{path}")
}

/// Splits `host:port`; a bare IPv6 address has colons but no port.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ollama_hosts_are_read_as_ollama_reads_them() {
        let cases = [
            ("", "http://127.0.0.1:11434/"),
            ("  \"10.0.0.5\" ", "http://10.0.0.5:11434/"),
            ("0.0.0.0", "http://127.0.0.1:11434/"),
            ("0.0.0.0:9000", "http://127.0.0.1:9000/"),
            (":9000", "http://127.0.0.1:9000/"),
            ("gpu.lan", "http://gpu.lan:11434/"),
            ("http://gpu.lan", "http://gpu.lan:80/"),
            ("https://gpu.lan", "https://gpu.lan:443/"),
            ("https://gpu.lan:8443/ollama/", "https://gpu.lan:8443/ollama/"),
            ("ollama.com", "https://ollama.com:443/"),
            ("gpu.lan:99999", "http://gpu.lan:11434/"),
            ("gpu.lan:abc", "http://gpu.lan:11434/"),
            ("::1", "http://[::1]:11434/"),
            ("[::1]:9000", "http://[::1]:9000/"),
            ("[::]", "http://[::1]:11434/"),
            ("fe80::2", "http://[fe80::2]:11434/"),
        ];
        for (text, expected) in cases {
            assert_eq!(from_ollama_host(text), expected, "{text}");
        }
    }

    fn found(provider: &str, variables: &[(&str, &str)], file: &str, built_in: Option<&str>) -> String {
        let config = Config::parse(file, "config.toml".as_ref(), &[provider]).unwrap();
        let env = Env::new(variables.iter().copied());
        match base_url(provider, &env, &config, built_in) {
            Ok(Some(found)) => format!("{} ({})", found.value, found.origin),
            Ok(None) => "none".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_vendors_variable_comes_before_the_file_and_the_file_before_the_catalog() {
        let file = "[providers.openai]\nbase_url = \"http://file/v1/\"\n";
        let built_in = Some("https://api.openai.com/v1");
        let variable = [("OPENAI_BASE_URL", "http://env/v1/")];
        assert_eq!(found("openai", &variable, file, built_in), "http://env/v1 (OPENAI_BASE_URL)");
        assert_eq!(found("openai", &[], file, built_in), "http://file/v1 (file)");
        assert_eq!(found("openai", &[], "", built_in), "https://api.openai.com/v1 (built-in)");
        assert_eq!(found("openai", &[], "", None), "none");
    }

    #[test]
    fn what_the_vendors_client_appends_is_appended_once() {
        let cases = [
            ("anthropic", "ANTHROPIC_BASE_URL", "http://proxy", "http://proxy/v1"),
            ("anthropic", "ANTHROPIC_BASE_URL", "http://proxy/v1/", "http://proxy/v1"),
            ("google", "GOOGLE_GEMINI_BASE_URL", "http://proxy/", "http://proxy/v1beta"),
            ("google", "GOOGLE_GEMINI_BASE_URL", "http://proxy/v1", "http://proxy/v1"),
            ("groq", "GROQ_BASE_URL", "https://api.groq.com", "https://api.groq.com/openai/v1"),
            (
                "azure",
                "AZURE_OPENAI_ENDPOINT",
                "https://me.openai.azure.com/",
                "https://me.openai.azure.com/openai/v1",
            ),
            ("openai", "OPENAI_BASE_URL", "http://proxy/api", "http://proxy/api"),
            ("ollama", "OLLAMA_HOST", "0.0.0.0", "http://127.0.0.1:11434/v1"),
            ("ollama", "OLLAMA_HOST", "https://gpu.lan/o", "https://gpu.lan:443/o/v1"),
            ("vllm", "VLLM_BASE_URL", "http://gpu:8000", "http://gpu:8000/v1"),
        ];
        for (provider, name, value, expected) in cases {
            assert_eq!(found(provider, &[(name, value)], "", None), format!("{expected} ({name})"));
        }
    }

    #[test]
    fn templates_take_the_first_variable_that_is_set() {
        let template = Some("https://bedrock.${AWS_REGION|AWS_DEFAULT_REGION}.amazonaws.com/openai/v1");
        let region = [("AWS_DEFAULT_REGION", "eu-west-1")];
        assert_eq!(
            found("amazon-bedrock", &region, "", template),
            "https://bedrock.eu-west-1.amazonaws.com/openai/v1 (built-in)"
        );
        insta::assert_snapshot!(found("amazon-bedrock", &[], "", template), @"
        error: the address of provider amazon-bedrock needs AWS_REGION or AWS_DEFAULT_REGION, which is not set

        hint: set AWS_REGION or AWS_DEFAULT_REGION, or `base_url` below `[providers.amazon-bedrock]`
        ");
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_shown() {
        for text in [
            "127.0.0.1:8080/v1",
            "localhost:8080",
            "ftp://canary/v1",
            "http://",
            "http://canary:99999",
            "http://ada:canary@host/v1",
            "https://host/v1?key=canary",
            "https://host/v1#canary",
            "https://host/a b",
            "https://${CANARY",
            "canary",
        ] {
            let why = checked(text).expect_err(text);
            assert!(!why.to_lowercase().contains("canary"), "{text}: {why}");
        }
        insta::assert_snapshot!(found("openai", &[("OPENAI_BASE_URL", "localhost:1234")], "", None), @"
        error: `OPENAI_BASE_URL` is not a usable address
          because: expected an address that begins with `http://` or `https://`
        ");
    }
}
