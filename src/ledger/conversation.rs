//! Going on with a conversation.

use rusqlite::{Connection, OptionalExtension, params};
use ulid::Ulid;

use super::columns;
use super::error::LedgerError;
use super::ids::Range;
use super::read::Reader;
use super::{Ledger, StoredCall};
use crate::chat::{Message, Params, Role};
use crate::model::ModelRef;

/// What a new call needs to go on with a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversation {
    /// The conversation's id.
    pub id: Ulid,
    /// The call that a new one goes on from.
    pub last_call: Ulid,
    /// The model that answered last.
    pub model: ModelRef,
    /// The lane's name of that call, with its options.
    pub lane: String,
    /// The system prompt of that call.
    pub system: Option<String>,
    /// All turns up to that answer, attachments included. A partial answer is
    /// there as far as it came; a call without any text is not.
    pub messages: Vec<Message>,
    /// The parameters of that call.
    pub params: Params,
    /// Whether that answer came to its end.
    pub is_whole: bool,
}

impl From<StoredCall> for Conversation {
    fn from(call: StoredCall) -> Self {
        let StoredCall { outcome, request, conversation, .. } = call;
        // Every call was asked with all the turns that it went on from.
        let mut messages = request.messages;
        messages.push(Message::text(Role::Assistant, outcome.text));
        Self {
            id: conversation,
            last_call: outcome.id,
            model: outcome.model,
            lane: outcome.lane,
            system: request.system,
            messages,
            params: request.params,
            is_whole: outcome.error.is_none(),
        }
    }
}

/// Holds for a call `calls` that has an answer.
const ANSWERED: &str = "EXISTS (SELECT 1 FROM parts WHERE parts.call = calls.seq
    AND parts.turn = calls.turns + 1 AND parts.part = 0)";

impl Ledger {
    /// The conversation of `ask` whose answer was written last, by whichever
    /// shell; `None` where there is none. Of a comparison, nothing says which of
    /// its answers is gone on with: that takes an id.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn latest_conversation(&self) -> Result<Option<Conversation>, LedgerError> {
        let sql =
            format!("SELECT seq FROM calls WHERE command = 'ask' AND {ANSWERED} ORDER BY seq DESC LIMIT 1");
        let seq = self.connection.query_row(&sql, [], |row| row.get(0)).optional();
        let call = seq.and_then(|seq| read(&self.connection, seq));
        Ok(call.map_err(self.reading())?.map(Conversation::from))
    }

    /// The conversation with an id that begins as given. The id of a call is
    /// taken too, and then the conversation is gone on with from that call.
    ///
    /// # Errors
    /// Where there is none or several, where it has no answer to go on from,
    /// or the file can't be read.
    pub fn conversation(&self, id: &str) -> Result<Conversation, LedgerError> {
        let range = Range::of(id).ok_or_else(|| LedgerError::NotAnId(id.to_owned()))?;
        let found = candidates(&self.connection, &range).map_err(self.reading())?;
        let missing = || LedgerError::Missing { what: "conversation", id: id.to_owned() };
        let conversation = match found.as_slice() {
            [] => return Err(missing()),
            [one] => *one,
            _ => return Err(LedgerError::Ambiguous { prefix: id.to_owned(), candidates: found }),
        };
        let call = last_answer(&self.connection, conversation, &range)
            .and_then(|seq| read(&self.connection, seq))
            .map_err(self.reading())?;
        call.map(Conversation::from).ok_or_else(missing)
    }
}

fn read(connection: &Connection, seq: Option<i64>) -> rusqlite::Result<Option<StoredCall>> {
    seq.map_or(Ok(None), |seq| Reader::new(connection)?.read(seq))
}

/// The conversations that are meant by a prefix of their own ids or of their calls'.
fn candidates(connection: &Connection, range: &Range) -> rusqlite::Result<Vec<Ulid>> {
    connection
        .prepare(
            "SELECT conversation FROM calls WHERE conversation BETWEEN ?1 AND ?2
             UNION SELECT conversation FROM calls WHERE id BETWEEN ?1 AND ?2
             ORDER BY conversation DESC LIMIT ?3",
        )?
        .query_map(
            params![range.first, range.last, i64::try_from(super::ids::LISTED).unwrap_or(i64::MAX)],
            |row| columns::ulid(row, "conversation"),
        )?
        .collect()
}

/// The newest answered call of a conversation. Where the prefix means calls
/// and not the conversation itself, the newest one of those.
fn last_answer(connection: &Connection, conversation: Ulid, range: &Range) -> rusqlite::Result<Option<i64>> {
    let sql = format!(
        "SELECT seq FROM calls WHERE conversation = ?1
         AND (?1 BETWEEN ?2 AND ?3 OR id BETWEEN ?2 AND ?3) AND {ANSWERED}
         ORDER BY seq DESC LIMIT 1"
    );
    connection
        .query_row(&sql, params![conversation.to_string(), range.first, range.last], |row| row.get(0))
        .optional()
}
