//! "Did you mean": the nearest of some names.

/// The candidate that a typing error would turn into `name`, if one is near
/// enough: at most a third of its letters are wrong. Case does not count.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = name.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&typed, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| {
            *distance <= (typed.chars().count().max(candidate.chars().count()) / 3).max(1)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let keys = ["default_model", "log", "aliases", "sets", "providers"];
        let near = |name| nearest(name, keys);
        assert_eq!(near("default_modle"), Some("default_model"));
        assert_eq!(near("Default_Model"), Some("default_model"));
        assert_eq!(near("provider"), Some("providers"));
        assert_eq!(near("alias"), Some("aliases"));
        assert_eq!(near("set"), Some("sets"));
        assert_eq!(near("lgo"), Some("log"));
        assert_eq!(near("colour"), None);
        assert_eq!(near(""), None);
        assert_eq!(nearest("x", []), None);
    }
}
