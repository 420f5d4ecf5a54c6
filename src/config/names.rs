//! Names of models and providers in a configuration. They are looked up when
//! they are used; `pollm config check` looks up all of them at once.

use std::path::Path;

use toml::de::DeTable;

use super::reader::{Item, Problems, Table};
use crate::error::{Error, Result};
use crate::model::whole_names;

/// A name in the file that stands for something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// What `-m` takes: a model, an alias, a route; options included.
    Model(&'a str),
    /// A provider.
    Provider(&'a str),
}

/// Looks up every name in a text that [`super::Config::parse`] accepts.
///
/// # Errors
/// Of each name that `find` refuses its place, and why, in the order of the
/// file; never an empty list.
pub(super) fn check(
    text: &str,
    path: &Path,
    find: &dyn Fn(Named<'_>) -> Result<()>,
) -> Result<(), Vec<Error>> {
    let mut problems = Problems::new(path, text);
    let Ok(document) = DeTable::parse(text) else { return Ok(()) };
    let mut table = Table::new(String::new(), 0, document.get_ref());
    let mut check = |item: &Item<'_>, is_provider: bool| {
        // What is no text was reported before.
        let Some(name) = item.as_text() else { return };
        let refused: Vec<Error> = if is_provider {
            find(Named::Provider(name)).err().into_iter().collect()
        } else {
            models(name).iter().filter_map(|name| find(Named::Model(name)).err()).collect()
        };
        for refused in refused {
            problems.add(item.at, |place| Error {
                causes: [vec![refused.message.clone()], refused.causes.clone()].concat(),
                hints: refused.hints.clone(),
                ..Error::config(format!("invalid `{}` in {place}", item.name))
            });
        }
    };
    table.get("default_model").iter().for_each(|item| check(item, false));
    for (_, alias) in table.get("aliases").and_then(|item| item.as_table()).iter().flat_map(Table::items) {
        check(&alias, false);
    }
    for (_, set) in table.get("sets").and_then(|item| item.as_table()).iter().flat_map(Table::items) {
        set.as_list().iter().for_each(|item| check(item, false));
    }
    for (_, route) in table.get("routes").and_then(|item| item.as_table()).iter().flat_map(Table::items) {
        let Some(mut route) = route.as_table() else { continue };
        for (key, is_provider) in [("models", false), ("providers", true), ("except", true)] {
            let list = route.get(key).map(|item| item.as_list()).unwrap_or_default();
            list.iter().for_each(|item| check(item, is_provider));
        }
    }
    problems.or(())
}

/// `default_model` may be a chain, as `-m` may.
fn models(names: &str) -> Vec<String> {
    whole_names(names.split(','))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_looked_up_and_each_refused_one_has_its_line() {
        let text = "\
default_model = \"good,typo\"
[aliases]
a = \"typo\"
[sets]
s = [
  \"good\",
  \"typo\",
]
[routes.r]
policy = \"cheapest\"
models = [\"typo\"]
providers = [\"good\"]
except = [\"typo\"]
";
        let find = |named: Named<'_>| match named {
            Named::Model("good") | Named::Provider("good") => Ok(()),
            Named::Model(name) => {
                Err(Error::usage(format!("unknown model `{name}`")).hint("did you mean `good`?"))
            }
            Named::Provider(name) => Err(Error::usage(format!("unknown provider `{name}`"))),
        };
        let errors = check(text, Path::new("c.toml"), &find).unwrap_err();
        let lines: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
        assert_eq!(
            lines,
            [
                "invalid `default_model` in c.toml, line 1",
                "invalid `aliases.a` in c.toml, line 3",
                "invalid `sets.s[1]` in c.toml, line 7",
                "invalid `routes.r.models[0]` in c.toml, line 11",
                "invalid `routes.r.except[0]` in c.toml, line 13",
            ]
        );
        assert_eq!(errors[0].causes, ["unknown model `typo`"]);
        assert_eq!(errors[0].hints, ["did you mean `good`?"]);
        assert_eq!(errors[4].causes, ["unknown provider `typo`"]);
        assert_eq!(errors[0].kind.exit_code(), 5);
        assert!(check("log = true", Path::new("c.toml"), &find).is_ok());
    }
}
