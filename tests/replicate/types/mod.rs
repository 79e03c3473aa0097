//! Values of every type a server has, as they come, and as keys wherever they can be. Source and
//! target write and read values in different ways by default, and their own types have different
//! ids.

mod alike;
mod own;
mod sizes;
mod values;

use super::case::{Case, case};
use super::world::shared;
use bucardo::pg::ident::literal;
use values::{FAMILIES, Kind, key, plain};

/// How many key columns one table has: few, so that each matters.
const TOGETHER: usize = 3;

fn major() -> u32 {
    shared().cluster.major()
}

fn exists(what: &str) -> bool {
    shared().cluster.connect("postgres").query_one(&format!("select exists ({what})"), &[]).unwrap().get(0)
}

fn available(extension: &str) -> bool {
    shared().cluster.connect("postgres").batch_execute(&format!("begin; create extension {extension}; rollback")).is_ok()
}

/// Whether collations can be made for which different texts are equal.
pub(super) fn tolerant_collations() -> bool {
    major() >= 12 && exists("select from pg_collation where collprovider = 'i'")
}

/// A locale that writes money in another way than C does, if the system has one.
fn monetary() -> Option<&'static str> {
    let mut client = shared().cluster.connect("postgres");
    let mut known = |name: &&str| client.batch_execute(&format!("set lc_monetary = '{name}'")).is_ok();
    let found = ["ja_JP.UTF-8", "de_DE.UTF-8", "en_US.UTF-8"].into_iter().find(|name| known(name));
    if found.is_none() {
        eprintln!("no other locale than C is installed: money is not tested under different ones");
    }
    found
}

/// Puts settings of its own to a database, before its tables are made.
fn styled(settings: &[&str], ddl: &str) -> String {
    let each = settings
        .iter()
        .map(|one| format!("execute format('alter database %I set {}', current_database());", one.replace('\'', "''")));
    format!("do $$ begin {} end $$; {ddl}", each.collect::<String>())
}

const HERE: &[&str] = &[
    "timezone = 'Europe/Berlin'",
    "datestyle = 'German'",
    "intervalstyle = 'sql_standard'",
    "bytea_output = 'escape'",
    "extra_float_digits = 0",
    "xmloption = 'document'",
];

const THERE: &[&str] = &[
    "timezone = 'America/St_Johns'",
    "datestyle = 'SQL, DMY'",
    "intervalstyle = 'iso_8601'",
    "extra_float_digits = -3",
    "default_text_search_config = 'simple'",
];

/// A running case whose two databases have these tables and different habits.
fn differently_styled(name: &str, here: &str, there: &str) -> Case<'static> {
    let money = monetary().map(|locale| format!("lc_monetary = '{locale}'"));
    let theirs: Vec<&str> = THERE.iter().copied().chain(money.as_deref()).collect();
    case(name, &styled(HERE, here)).target(&styled(&theirs, there)).run()
}

/// A table of values as they come, all nullable; one row for each value, and one without any.
struct Plain<'k> {
    name: String,
    kinds: Vec<&'k Kind>,
}

impl Plain<'_> {
    fn create(&self) -> String {
        let columns = self.kinds.iter().enumerate().map(|(n, kind)| format!(", c{n} {}", kind.name));
        format!("create table {} (id integer primary key{}); ", self.name, columns.collect::<String>())
    }

    fn rows(&self) -> usize {
        1 + self.kinds.iter().map(|kind| kind.values.len()).max().unwrap()
    }

    fn fill(&self) -> String {
        let value = |kind: &Kind, row: usize| kind.values.get(row).map_or("null".to_owned(), |text| literal(text));
        let row = |row: usize| {
            let values: Vec<String> = self.kinds.iter().map(|kind| value(kind, row)).collect();
            format!("insert into {} values ({row}, {}); ", self.name, values.join(", "))
        };
        (0..self.rows()).map(row).collect()
    }

    /// Each row gets the values of its neighbour.
    fn rotate(&self) -> String {
        let columns: Vec<String> = (0..self.kinds.len()).map(|n| format!("c{n}")).collect();
        let (columns, name, rows) = (columns.join(", "), &self.name, self.rows());
        format!("update {name} set ({columns}) = (select {columns} from {name} as o where o.id = ({name}.id + 1) % {rows}); ")
    }
}

/// A table whose key has some of the types.
struct Keyed<'k> {
    name: String,
    kinds: Vec<&'k Kind>,
}

impl Keyed<'_> {
    fn keys(&self) -> String {
        (0..self.kinds.len()).map(|n| format!("k{n}")).collect::<Vec<_>>().join(", ")
    }

    fn create(&self) -> String {
        let columns = self.kinds.iter().enumerate().map(|(n, kind)| format!(", k{n} {}", kind.name));
        format!("create table {} (i integer{}, v text, primary key ({})); ", self.name, columns.collect::<String>(), self.keys())
    }

    /// Those with fewer values begin again; the others keep the keys apart.
    fn fill(&self) -> String {
        let rows = self.kinds.iter().map(|kind| kind.values.len()).max().unwrap();
        let row = |row: usize| {
            let values: Vec<String> = self.kinds.iter().map(|kind| literal(kind.values[row % kind.values.len()])).collect();
            format!("insert into {} values ({row}, {}, 'v'); ", self.name, values.join(", "))
        };
        let copy = format!("create temporary table first_{name} as table {name}; ", name = self.name);
        (0..rows).map(row).collect::<String>() + &copy
    }

    fn change(&self) -> String {
        let (name, keys) = (&self.name, self.keys());
        format!(
            "update {name} set v = 'w' where i > 1; delete from {name} where i = 0;
            update {name} set ({keys}) = (select {keys} from first_{name} where i = 0) where i = 1; "
        )
    }

    fn change_back(&self) -> String {
        let (name, keys) = (&self.name, self.keys());
        format!(
            "update {name} set ({keys}) = (select {keys} from first_{name} where i = 1) where i = 1;
            insert into {name} select * from first_{name} where i = 0;
            delete from {name} where i > 2; insert into {name} select * from first_{name} where i > 3; "
        )
    }
}

/// The tables of some families: one for the values as they come, and as many as are needed for
/// keys.
fn tables<'k>(families: &[(&str, &'k [Kind])]) -> (Vec<Plain<'k>>, Vec<Keyed<'k>>) {
    let major = major();
    let known = |kinds: &'k [Kind]| kinds.iter().filter(move |kind| kind.since <= major);
    let plain = families.iter().map(|(name, kinds)| Plain { name: (*name).to_owned(), kinds: known(kinds).collect() });
    let keys: Vec<&Kind> = families.iter().flat_map(|(_, kinds)| known(kinds)).filter(|kind| kind.key).collect();
    let keyed = keys.chunks(TOGETHER).enumerate().map(|(n, some)| Keyed { name: format!("keyed{n}"), kinds: some.to_vec() });
    (plain.collect(), keyed.collect())
}

/// Writes values of these families, moves them about, and back.
fn carried(name: &str, families: &[&str]) {
    let families: Vec<_> = FAMILIES.iter().filter(|(family, _)| families.contains(family)).copied().collect();
    let (plain, keyed) = tables(&families);
    let ddl = plain.iter().map(Plain::create).chain(keyed.iter().map(Keyed::create)).collect::<String>();
    let mut case = differently_styled(name, &ddl, &ddl);
    case.write(&plain.iter().map(Plain::fill).chain(keyed.iter().map(Keyed::fill)).collect::<String>());
    case.arrives();
    case.write(&plain.iter().map(Plain::rotate).chain(keyed.iter().map(Keyed::change)).collect::<String>());
    case.arrives();
    case.write(&keyed.iter().map(Keyed::change_back).collect::<String>());
    case.finish();
}

#[test]
fn numbers_and_times_arrive_and_can_be_keys() {
    carried("counted", &["numbers", "times"]);
}

#[test]
fn texts_documents_and_what_else_has_an_unusual_spelling_arrive_and_can_be_keys() {
    carried("spelt", &["texts", "documents", "bits", "shapes", "internals"]);
}

#[test]
fn arrays_and_ranges_arrive_and_can_be_keys() {
    carried("many_valued", &["arrays", "ranges"]);
}

/// Each in a table of its own: whether it travels in binary is decided for tables.
#[test]
fn values_of_each_type_arrive_with_the_copy_of_a_whole_table() {
    let families: Vec<_> = FAMILIES.iter().flat_map(|(name, kinds)| kinds.chunks(1).map(move |kind| (*name, kind))).collect();
    let mut tables = tables(&families).0;
    for n in 1..tables.len() {
        if tables[..n].iter().any(|other| other.name == tables[n].name) {
            tables[n].name += &n.to_string();
        }
    }
    tables.retain(|table| !table.kinds.is_empty());
    let ddl: String = tables.iter().map(Plain::create).collect();
    let draft = case("copied_types", &styled(HERE, &ddl)).target(&styled(THERE, &ddl));
    let mut case = draft.word("onetimecopy=1").word("status=inactive").add();
    case.write(&tables.iter().map(Plain::fill).collect::<String>());
    case.world.ctl(&["update", "sync", &case.name, "status=active"]).ok();
    case.world.ctl(&["activate", &case.name, "0"]).ok();
    case.finish();
}
