//! Texts and files: what was said, heard and attached.
//!
//! A conversation repeats its turns with every call, and a comparison its
//! prompt in every lane. So each text and each file is stored once, found by
//! its SHA-256, and a call only lists which it holds.

use std::sync::Arc;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, Statement, ToSql, params};
use sha2::{Digest, Sha256};

use super::columns::unreadable;
use crate::chat::{Media, MediaKind, MediaSource, Message, Part, Request, Role};
use crate::outcome::Outcome;

/// What a part is to its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    System,
    Schema,
    Options,
    Turn(Role),
    Answer,
    Reasoning,
}

impl Place {
    const ALL: [Self; 7] = [
        Self::System,
        Self::Schema,
        Self::Options,
        Self::Turn(Role::User),
        Self::Turn(Role::Assistant),
        Self::Answer,
        Self::Reasoning,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Schema => "schema",
            Self::Options => "options",
            Self::Turn(Role::User) => "user",
            Self::Turn(Role::Assistant) => "assistant",
            Self::Answer => "answer",
            Self::Reasoning => "reasoning",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.as_str() == word)
    }
}

const fn kind_word(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Image => "image",
        MediaKind::Pdf => "pdf",
        MediaKind::Audio => "audio",
    }
}

fn parse_kind(word: &str) -> Option<MediaKind> {
    [MediaKind::Image, MediaKind::Pdf, MediaKind::Audio].into_iter().find(|kind| kind_word(*kind) == word)
}

/// The body of a row of `contents`.
#[derive(Clone, Copy)]
enum Body<'a> {
    Text(&'a str),
    File(&'a [u8]),
}

impl Body<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::File(bytes) => bytes,
        }
    }
}

impl ToSql for Body<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::File(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

/// Writes the parts of one call.
struct Writer<'c> {
    call: i64,
    find: Statement<'c>,
    add: Statement<'c>,
    refer: Statement<'c>,
}

impl<'c> Writer<'c> {
    fn new(connection: &'c Connection, call: i64) -> rusqlite::Result<Self> {
        Ok(Self {
            call,
            find: connection.prepare("SELECT id FROM contents WHERE sha256 = ?1 AND is_file = ?2")?,
            add: connection.prepare("INSERT INTO contents (sha256, is_file, body) VALUES (?1, ?2, ?3)")?,
            refer: connection.prepare(
                "INSERT INTO parts (call, turn, part, role, content, kind, mime, name)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?,
        })
    }

    fn content(&mut self, body: Body<'_>) -> rusqlite::Result<i64> {
        let hash: [u8; 32] = Sha256::digest(body.bytes()).into();
        let is_file = matches!(body, Body::File(_));
        let known = self.find.query_row(params![hash, is_file], |row| row.get(0)).optional()?;
        known.map_or_else(|| self.add.insert(params![hash, is_file, body]), Ok)
    }

    fn text(&mut self, at: (i64, i64), place: Place, text: &str) -> rusqlite::Result<()> {
        let content = self.content(Body::Text(text))?;
        let (turn, part) = at;
        let nothing = None::<&str>;
        self.refer.execute(params![
            self.call,
            turn,
            part,
            place.as_str(),
            content,
            nothing,
            nothing,
            nothing
        ])?;
        Ok(())
    }

    fn media(&mut self, at: (i64, i64), role: Role, media: &Media) -> rusqlite::Result<()> {
        let content = self.content(match &media.source {
            MediaSource::Bytes(bytes) => Body::File(bytes),
            MediaSource::Url(url) => Body::Text(url),
        })?;
        let (turn, part) = at;
        self.refer.execute(params![
            self.call,
            turn,
            part,
            Place::Turn(role).as_str(),
            content,
            kind_word(media.kind),
            media.mime,
            media.name,
        ])?;
        Ok(())
    }

    fn message(&mut self, turn: i64, message: &Message) -> rusqlite::Result<()> {
        if message.parts.is_empty() {
            let role = Place::Turn(message.role).as_str();
            let nothing = None::<&str>;
            self.refer.execute(params![self.call, turn, 0, role, nothing, nothing, nothing, nothing])?;
        }
        for (number, part) in (0..).zip(&message.parts) {
            match part {
                Part::Text(text) => self.text((turn, number), Place::Turn(message.role), text)?,
                Part::Media(media) => self.media((turn, number), message.role, media)?,
            }
        }
        Ok(())
    }
}

/// Adds every text and file of a call.
pub(super) fn insert(
    connection: &Connection,
    call: i64,
    request: &Request,
    outcome: &Outcome,
) -> rusqlite::Result<()> {
    let mut writer = Writer::new(connection, call)?;
    if let Some(system) = &request.system {
        writer.text((0, 0), Place::System, system)?;
    }
    if let Some(schema) = &request.schema {
        writer.text((0, 1), Place::Schema, &schema.to_string())?;
    }
    if !request.params.extra.is_empty() {
        let options = serde_json::json!(request.params.extra).to_string();
        writer.text((0, 2), Place::Options, &options)?;
    }
    let mut turn = 0;
    for message in &request.messages {
        turn += 1;
        writer.message(turn, message)?;
    }
    if !outcome.text.is_empty() {
        writer.text((turn + 1, 0), Place::Answer, &outcome.text)?;
    }
    if let Some(reasoning) = &outcome.reasoning {
        writer.text((turn + 1, 1), Place::Reasoning, reasoning)?;
    }
    Ok(())
}

/// Reads the parts of call `?1` in order, for [`Stored::read`].
pub(super) const PARTS: &str = "SELECT parts.turn, role, kind, mime, name, is_file, body
    FROM parts LEFT JOIN contents ON contents.id = parts.content
    WHERE parts.call = ?1 ORDER BY parts.turn, parts.part";

/// One part as it was stored.
pub(super) struct Stored {
    turn: usize,
    place: Place,
    part: Option<Part>,
}

impl Stored {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let place = super::columns::word(row, "role", Place::parse)?;
        let kind: Option<String> = row.get("kind")?;
        let turn: i64 = row.get("turn")?;
        let turn = usize::try_from(turn).map_err(|_| unreadable("turn", &turn.to_string()))?;
        let part = match kind {
            Some(word) => {
                let kind = parse_kind(&word).ok_or_else(|| unreadable("kind", &word))?;
                Some(Part::Media(Media {
                    kind,
                    mime: row.get("mime")?,
                    name: row.get("name")?,
                    source: source(row)?,
                }))
            }
            None => row.get::<_, Option<String>>("body")?.map(Part::Text),
        };
        Ok(Self { turn, place, part })
    }

    /// Puts the part where it belongs.
    pub(super) fn place(self, request: &mut Request, outcome: &mut Outcome) -> rusqlite::Result<()> {
        let role = match self.place {
            Place::Turn(role) => role,
            other => return place_text(other, self.part, request, outcome),
        };
        if request.messages.len() < self.turn {
            request.messages.push(Message { role, parts: Vec::new() });
        }
        if let Some(message) = request.messages.last_mut() {
            message.parts.extend(self.part);
        }
        Ok(())
    }
}

fn source(row: &Row<'_>) -> rusqlite::Result<MediaSource> {
    Ok(if row.get("is_file")? {
        let bytes: Vec<u8> = row.get("body")?;
        MediaSource::Bytes(Arc::from(bytes))
    } else {
        MediaSource::Url(row.get("body")?)
    })
}

fn place_text(
    place: Place,
    part: Option<Part>,
    request: &mut Request,
    outcome: &mut Outcome,
) -> rusqlite::Result<()> {
    let Some(Part::Text(text)) = part else { return Err(unreadable("body", place.as_str())) };
    let broken = |_| unreadable("body", place.as_str());
    match place {
        Place::System => request.system = Some(text),
        Place::Schema => request.schema = Some(serde_json::from_str(&text).map_err(broken)?),
        Place::Options => request.params.extra = serde_json::from_str(&text).map_err(broken)?,
        Place::Answer => outcome.text = text,
        Place::Reasoning => outcome.reasoning = Some(text),
        Place::Turn(_) => {}
    }
    Ok(())
}
