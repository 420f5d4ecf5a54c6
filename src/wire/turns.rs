//! Turns as strict protocols want them: each role once in a row, nothing blank.

use super::EncodeError;
use crate::chat::{Message, Part, Role};

/// The turns with neighbours of one role joined and blank texts left out.
/// Anthropic answers 400 to a text of white space alone, Gemini to an empty
/// one; a reply that was refused leaves such a turn behind.
///
/// # Errors
/// Where nothing is left to send.
pub(super) fn merged(messages: &[Message]) -> Result<Vec<(Role, Vec<&Part>)>, EncodeError> {
    let mut turns: Vec<(Role, Vec<&Part>)> = Vec::new();
    for message in messages {
        for part in &message.parts {
            if matches!(part, Part::Text(text) if text.trim().is_empty()) {
                continue;
            }
            match turns.last_mut() {
                Some((role, parts)) if *role == message.role => parts.push(part),
                _ => turns.push((message.role, vec![part])),
            }
        }
    }
    if turns.is_empty() {
        return Err(EncodeError("the prompt is empty".to_owned()));
    }
    Ok(turns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_join_and_blanks_vanish() {
        let messages = [
            Message::text(Role::User, "a"),
            Message::text(Role::Assistant, " \n"),
            Message::text(Role::User, "b"),
            Message::text(Role::Assistant, "c"),
        ];
        let turns = merged(&messages).unwrap();
        assert_eq!(
            turns.iter().map(|(role, parts)| (*role, parts.len())).collect::<Vec<_>>(),
            [(Role::User, 2), (Role::Assistant, 1)]
        );
        assert!(merged(&[Message::text(Role::User, "\t")]).is_err());
        assert!(merged(&[]).is_err());
    }
}
