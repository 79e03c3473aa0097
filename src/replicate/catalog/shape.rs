//! The shape of a table as its server's catalog tells it: columns, key, and what else matters for
//! carrying rows.

use crate::error::{Error, Kind, Result};
use crate::pg::{Connection, Ident, Relation, catalog_text};
use crate::replicate::catalog::digest::{self, State};
use postgres::error::SqlState;
use std::collections::BTreeMap;

/// One live column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: Ident,
    /// Its type as `format_type` prints it, schema-qualified unless built in.
    pub type_name: String,
    /// The same without a modifier, and with domains replaced by what they are made of: what is on
    /// its way to a column is neither rounded nor cut, and may be NULL.
    pub base_type: String,
    /// The type itself without a modifier.
    pub bare_type: String,
    /// The type's id. Another type may take over a name.
    pub type_oid: u32,
    /// Its collation, as `schema.name`; none where the type has none.
    pub collation: Option<String>,
    /// Declared NOT NULL.
    pub not_null: bool,
    /// Computed by the server (GENERATED ALWAYS AS … STORED or VIRTUAL).
    pub generated: bool,
    /// GENERATED ALWAYS AS IDENTITY.
    pub identity_always: bool,
    /// The default's text, if any.
    pub default: Option<String>,
}

/// The columns that tell the rows of a table apart. Empty when the table has no usable unique
/// index.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Key {
    /// Column names in the order of the index.
    pub columns: Vec<String>,
    /// Their types, by `pg_type.typname` as the original records them (int4, text, …).
    pub types: Vec<String>,
    /// Their equality operators, as `OPERATOR(schema.=)`.
    pub equals: Vec<String>,
    /// Whether keys that are equal are always identical.
    pub exact: bool,
    /// Whether the index refuses a row at once: one that is DEFERRABLE is no arbiter for ON
    /// CONFLICT.
    pub immediate: bool,
}

impl Key {
    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The same key with its columns in another order: those of `order` first, as far as they
    /// belong to it.
    pub fn in_order(&self, order: &[String]) -> Key {
        let place = |name: &String| order.iter().position(|other| other == name).unwrap_or(order.len());
        let mut positions: Vec<usize> = (0..self.columns.len()).collect();
        positions.sort_by_key(|position| place(&self.columns[*position]));
        let sorted = |texts: &[String]| positions.iter().filter_map(|position| texts.get(*position).cloned()).collect();
        Key { columns: sorted(&self.columns), types: sorted(&self.types), equals: sorted(&self.equals), ..*self }
    }

    /// The columns as identifiers.
    pub fn idents(&self) -> Vec<Ident> {
        self.columns.iter().map(Ident::new).collect()
    }
}

/// What a unique index or an exclusion constraint forbids: two rows whose values match by all
/// operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unique {
    /// Expressions over the columns of the table.
    pub values: Vec<String>,
    /// The operator of each, as `OPERATOR(schema.=)`.
    pub operators: Vec<String>,
    /// Which rows are concerned, if not all.
    pub predicate: Option<String>,
    /// NULL equals NULL.
    pub nulls: bool,
    /// The columns that all of this reads.
    pub reads: Vec<String>,
    /// The values as columns, if they are just that and all rows are concerned.
    pub columns: Vec<String>,
}

/// A table of one database.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Its name.
    pub relation: Relation,
    /// Its id on that database.
    pub oid: u32,
    /// Whether it is a partitioned table; if not, only its own rows are meant, not those of
    /// inheriting tables.
    pub partitioned: bool,
    /// What all this rests on.
    pub state: State,
    /// Planner's estimate of its rows, 0 when it has never been analysed.
    pub rows: f32,
    /// The live columns in their order.
    pub columns: Vec<Column>,
    /// All unique indexes that can tell rows apart, the best first.
    pub keys: Vec<Key>,
    /// What its unique indexes and exclusion constraints forbid.
    pub uniques: Vec<Unique>,
    /// Unique and exclusion constraints of any form, counted.
    pub unique_indexes: i64,
    /// Whether it has rules, or once had.
    pub rules: bool,
    /// What is selected instead of the table.
    pub select: Option<String>,
    /// The columns of the table itself, where something is selected instead.
    pub table_columns: Vec<Column>,
    /// The other tables that are read by that.
    pub further: Vec<Further>,
}

/// A table that a selection reads beside its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Further {
    /// Its name.
    pub relation: Relation,
    /// Its id.
    pub oid: u32,
    /// Whether it can be locked: it is no materialized view and no foreign table.
    pub lockable: bool,
    /// The columns that are read, with the ids of their types.
    pub columns: Vec<(Ident, u32)>,
}

impl Shape {
    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name.raw() == name)
    }

    /// The key to use: the one whose joined column names are `wanted`, or the best when nothing is
    /// wanted.
    pub fn key(&self, wanted: Option<&str>) -> Option<&Key> {
        match wanted.filter(|text| !text.is_empty()) {
            Some(text) => self.keys.iter().find(|key| key.columns.join("|") == text),
            None => self.keys.first(),
        }
    }

    /// How to read it in FROM: without the rows of inheriting tables, which are tables of their
    /// own.
    pub fn from_clause(&self) -> String {
        match &self.select {
            Some(select) => format!("({select})"),
            None if self.partitioned => self.relation.to_string(),
            None => format!("only {}", self.relation),
        }
    }

    /// The shape of a query that stands for the table: its columns, the table's keys. Names in it
    /// are looked up as in a session of our role. One without the key columns is
    /// [`Kind::Mismatch`].
    pub fn selected(&self, conn: &mut Connection, select: &str) -> Result<Shape> {
        let found = qualified(conn, select, &self.from_clause(), self.oid);
        let undone = conn.batch("rollback");
        let (select, names, further) =
            found.map_err(|error| error.context(format!("What is selected from \"{}\"", self.relation.label())))?;
        undone?;
        let columns: Vec<Column> = names.iter().map(|name| self.produced(name)).collect();
        let keys: Vec<Key> = self.keys.iter().filter(|key| key.columns.iter().all(|k| names.contains(k))).cloned().collect();
        if keys.is_empty() && !self.keys.is_empty() {
            let sentence = format!("What is selected from \"{}\" lacks its key", self.relation.label());
            return Err(Error::new(Kind::Mismatch, sentence).hint("Select the key columns, too, under their own names."));
        }
        Ok(Shape { select: Some(select), columns, keys, table_columns: self.columns.clone(), further, ..self.clone() })
    }

    /// A column of a query: like that of the table, if it has its name.
    fn produced(&self, name: &str) -> Column {
        let known = self.column(name).map(|column| Column { generated: false, ..column.clone() });
        known.unwrap_or_else(|| Column {
            name: Ident::new(name),
            type_name: String::new(),
            base_type: String::new(),
            bare_type: String::new(),
            type_oid: 0,
            collation: None,
            not_null: false,
            generated: false,
            identity_always: false,
            default: None,
        })
    }
}

/// A query with all its names qualified, the names of its columns, and the tables that it reads
/// beside table `oid`: by means of a view, which the caller rolls back. A list of columns is
/// completed, as the original does it, by `from`. That it needs this is told by the server: no
/// query that is whole can go on so.
fn qualified(conn: &mut Connection, select: &str, from: &str, oid: u32) -> Result<(String, Vec<String>, Vec<Further>)> {
    let select = select.trim().trim_end_matches(';');
    if let Err(error) = make_view(conn, &format!("{select}\nfrom {from}"))? {
        conn.batch("rollback")?;
        match error.code() {
            Some(&SqlState::SYNTAX_ERROR) => make_view(conn, select)??,
            _ => return Err(error.into()),
        };
    }
    conn.batch("set local search_path to pg_catalog, pg_temp")?;
    refuse_others_code(conn)?;
    let columns = conn.prepare("select * from pg_temp.bucardo_select")?;
    let text: String = conn.query_one("select pg_get_viewdef('pg_temp.bucardo_select'::regclass)", &[])?.get(0);
    let names = columns.columns().iter().map(|column| column.name().to_owned()).collect();
    let further = conn.query(include_str!("../sql/selected_tables.sql"), &[&oid])?.iter().map(further).collect();
    Ok((text.trim().trim_end_matches(';').to_owned(), names, further))
}

fn further(row: &postgres::Row) -> Further {
    let (names, types): (Option<Vec<String>>, Option<Vec<u32>>) = (row.get(4), row.get(5));
    let columns = names.unwrap_or_default().into_iter().map(Ident::new).zip(types.unwrap_or_default()).collect();
    Further {
        relation: Relation::new(row.get::<_, String>(0), row.get::<_, String>(1)),
        oid: row.get(2),
        lockable: row.get(3),
        columns,
    }
}

/// What is selected is evaluated in our session, with the rights of our role.
fn refuse_others_code(conn: &mut Connection) -> Result<()> {
    let Some(row) = conn.query_opt(include_str!("../sql/selected_code.sql"), &[])? else { return Ok(()) };
    let (what, owner): (String, String) = (row.get(0), row.get(1));
    let sentence = format!("it uses {what}, which belongs to role \"{owner}\" and would run with the rights of our role");
    Err(Error::new(Kind::Denied, sentence).hint(format!("Select without it, or let a superuser give the {what} to our role.")))
}

/// One statement only: the extended protocol refuses more.
fn make_view(conn: &mut Connection, select: &str) -> Result<std::result::Result<u64, postgres::Error>> {
    conn.batch("begin; set local search_path to default")?;
    Ok(conn.execute(&format!("create temporary view bucardo_select as {select}"), &[]))
}

/// The key of a table: its primary key, else the unique, not-null index with the fewest columns,
/// else an empty key (reference, section 1.5).
pub fn find_key(conn: &mut Connection, relation: &Relation) -> Result<Key> {
    Ok(read(conn, relation)?.keys.into_iter().next().unwrap_or_default())
}

/// The keys of many tables, in their order, in two queries.
pub fn find_keys(conn: &mut Connection, relations: &[Relation]) -> Result<Vec<Key>> {
    let (schemas, names): (Vec<_>, Vec<_>) = relations.iter().map(|one| (one.schema.raw(), one.name.raw())).unzip();
    let rows = conn.query(include_str!("../sql/tables.sql"), &[&schemas, &names])?;
    let oids: Vec<Option<u32>> = rows.iter().map(|row| row.get(0)).collect();
    if let Some(at) = oids.iter().position(Option::is_none) {
        return Err(not_found(&relations[at]));
    }
    let found = conn.query(include_str!("../sql/keys.sql"), &[&oids])?;
    let mut keys = BTreeMap::new();
    for row in found.iter().filter(|row| row.get(4)) {
        let key = key(row)?;
        keys.entry(row.get::<_, u32>(5)).or_insert(key);
    }
    Ok(oids.iter().flatten().map(|oid| keys.remove(oid).unwrap_or_default()).collect())
}

fn key(row: &postgres::Row) -> Result<Key> {
    let equals = catalog_text::operators(row.get(2))?;
    Ok(Key { columns: row.get(0), types: row.get(1), equals, exact: row.get(3), immediate: row.get(6) })
}

/// Reads the shape of a table. A missing one, or something that is no table, is [`Kind::NotFound`].
pub fn read(conn: &mut Connection, relation: &Relation) -> Result<Shape> {
    let missing = || Err(not_found(relation));
    read_all(conn, std::slice::from_ref(relation))?.pop().unwrap_or_else(missing)
}

/// Reads the shapes of many tables, in their order, in as many round trips as that of one; the
/// outcome of each is the same as of [`read`]. What they rest on comes first: if something changes
/// before the rest is read, it will be found to have changed.
pub fn read_all(conn: &mut Connection, relations: &[Relation]) -> Result<Vec<Result<Shape>>> {
    let (schemas, names): (Vec<_>, Vec<_>) = relations.iter().map(|one| (one.schema.raw(), one.name.raw())).unzip();
    let statement = conn.prepare_cached(&digest::complete(conn.schema(), include_str!("../sql/table.sql")))?;
    let rows = conn.query(&statement, &[&schemas, &names])?;
    let oids: Vec<u32> = rows.iter().filter_map(|row| row.get(0)).collect();
    let parts = (columns(conn, &oids)?, keys(conn, &oids)?, uniques(conn, &oids)?);
    Ok(relations.iter().zip(&rows).map(|(relation, row)| shape(relation, row, &parts)).collect())
}

/// By the ids of tables, their columns.
type Columns = BTreeMap<u32, Vec<Column>>;

/// By the ids of tables, the keys that tell their rows apart.
type Keys = BTreeMap<u32, Vec<Key>>;

/// By the ids of tables, what must be unique.
type Uniques = BTreeMap<u32, Vec<Unique>>;

fn not_found(relation: &Relation) -> Error {
    Error::new(Kind::NotFound, format!("Table not found: {}", relation.label()))
}

fn shape(relation: &Relation, row: &postgres::Row, (columns, keys, uniques): &(Columns, Keys, Uniques)) -> Result<Shape> {
    let oid = row.get::<_, Option<u32>>(0).ok_or_else(|| not_found(relation))?;
    let kind: String = row.get(1);
    if !matches!(kind.as_str(), "r" | "p") {
        return Err(Error::new(Kind::NotFound, format!("{} is not a table", relation.label())));
    }
    Ok(Shape {
        relation: relation.clone(),
        oid,
        partitioned: kind == "p",
        state: State { guard: row.get(5), digest: row.get(6) },
        rows: row.get(2),
        unique_indexes: row.get(3),
        rules: row.get(4),
        select: None,
        table_columns: Vec::new(),
        further: Vec::new(),
        columns: columns.get(&oid).cloned().unwrap_or_default(),
        keys: keys.get(&oid).cloned().unwrap_or_default(),
        uniques: uniques.get(&oid).cloned().unwrap_or_default(),
    })
}

fn columns(conn: &mut Connection, oids: &[u32]) -> Result<Columns> {
    let statement = conn.prepare_cached(include_str!("../sql/columns.sql"))?;
    let mut all = Columns::new();
    for row in conn.query(&statement, &[&oids])? {
        all.entry(row.get(7)).or_default().push(column(&row)?);
    }
    Ok(all)
}

fn column(row: &postgres::Row) -> Result<Column> {
    Ok(Column {
        name: Ident::new(row.get::<_, String>(0)),
        type_name: catalog_text::type_name(row.get(1))?,
        base_type: catalog_text::type_name(row.get(2))?,
        bare_type: catalog_text::type_name(row.get(8))?,
        type_oid: row.get(9),
        collation: row.get::<_, Option<String>>(10).map(catalog_text::collation).transpose()?,
        not_null: row.get(3),
        generated: row.get(4),
        identity_always: row.get(5),
        default: row.get(6),
    })
}

fn keys(conn: &mut Connection, oids: &[u32]) -> Result<Keys> {
    let statement = conn.prepare_cached(include_str!("../sql/keys.sql"))?;
    let mut all = Keys::new();
    for row in conn.query(&statement, &[&oids])?.iter().filter(|row| row.get(4)) {
        all.entry(row.get(5)).or_default().push(key(row)?);
    }
    Ok(all)
}

fn uniques(conn: &mut Connection, oids: &[u32]) -> Result<Uniques> {
    let statement = conn.prepare_cached(include_str!("../sql/uniques.sql"))?;
    let mut all = Uniques::new();
    for row in conn.query(&statement, &[&oids])? {
        all.entry(row.get(0)).or_default().push(unique(&row)?);
    }
    Ok(all)
}

/// Values and predicate are expressions of the server: they go into statements for that server
/// alone.
fn unique(row: &postgres::Row) -> Result<Unique> {
    Ok(Unique {
        values: row.get(1),
        operators: catalog_text::operators(row.get(2))?,
        predicate: row.get(3),
        nulls: row.get(4),
        reads: row.get(5),
        columns: row.get(6),
    })
}
