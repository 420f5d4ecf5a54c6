//! `[routes]`.

use super::*;

#[test]
fn a_route_is_a_policy_over_models() {
    let config = parse(
        r#"
        [aliases]
        fast = "groq/openai/gpt-oss-120b"
        [routes.quick]
        models = ["fast", "openai/gpt-6-luna@effort=low"]
        policy = "fastest"
        explore = 0
        half_life_hours = 12
        [routes.thrifty]
        policy = "balanced"
        max_price = "2.50"
        providers = ["openai", "groq"]
        except = ["azure"]
        weights = { cost = 3, speed = 0.5 }
        "#,
    );
    let (quick, thrifty) = (&config.routes["quick"], &config.routes["thrifty"]);
    assert_eq!(quick.models, ["fast", "openai/gpt-6-luna@effort=low"]);
    assert_eq!(quick.policy, crate::router::Policy::Fastest);
    assert_eq!((quick.settings.explore.to_bits(), quick.settings.half_life), (0, Duration::from_hours(12)));
    assert!(thrifty.models.is_empty() && thrifty.settings.only.len() == 2);
    assert_eq!(thrifty.settings.max_price, Some(Price::per_million("2.5").unwrap()));
    let crate::router::Weights { cost, speed, best } = thrifty.settings.weights;
    assert_eq!([cost, speed, best].map(f64::to_bits), [3.0, 0.5, 0.0].map(f64::to_bits));
}

#[test]
fn what_is_wrong_with_a_route_is_said_with_its_line() {
    insta::assert_snapshot!(errors(r#"
[aliases]
quick = "openai/gpt-6-luna"
[routes.quick]
models = ["groq/x"]
policy = "fastest"
[routes."a/b"]
policy = "best"
[routes.one]
modles = ["groq/x"]
policy = "fasted"
[routes.two]
models = ["one@effort=low"]
explore = 2
half_life_hours = 0
max_price = 3
weights = { cost = 0, sped = 1 }
"#), @r#"
error: invalid `routes.quick` in /home/ada/config.toml, line 4
  because: an alias has the same name: one of them must be called otherwise
error: invalid `routes.a/b` in /home/ada/config.toml, line 7
  because: a name may not be empty or hold `/`, `@`, `,` or blanks
error: unknown key `routes.one.modles` in /home/ada/config.toml, line 10

hint: did you mean `models`?
error: invalid `routes.one.policy` in /home/ada/config.toml, line 11
  because: expected one of `cheapest`, `fastest`, `best`, `balanced`

hint: did you mean `fastest`?
error: invalid `routes.two` in /home/ada/config.toml, line 12
  because: it has no `policy`

hint: add `policy`: `cheapest`, `fastest`, `best`, `balanced`
error: invalid `routes.two.models` in /home/ada/config.toml, line 13
  because: a route's models can't be routes themselves
error: invalid `routes.two.explore` in /home/ada/config.toml, line 14
  because: expected the share of calls that explore, from 0 to 1
error: invalid `routes.two.half_life_hours` in /home/ada/config.toml, line 15
  because: expected hours, from 0.01 to 100000
error: invalid `routes.two.max_price` in /home/ada/config.toml, line 16
  because: expected text in quotes, which keeps a price exact

hint: for example `max_price = "0.20"`: USD per million tokens
error: invalid `routes.two.weights` in /home/ada/config.toml, line 17
  because: at least one of `cost`, `speed` and `best` must weigh something
error: unknown key `routes.two.weights.sped` in /home/ada/config.toml, line 17

hint: did you mean `speed`?
"#);
}
