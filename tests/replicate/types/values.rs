//! The types of a server, each with values that something might trip over.

/// A type with values of it.
pub struct Kind {
    /// As in CREATE TABLE.
    pub name: &'static str,
    /// As texts.
    pub values: &'static [&'static str],
    /// Whether it can be a key; then all values are different.
    pub key: bool,
    /// The first major version that has it, and these values.
    pub since: u32,
}

impl Kind {
    /// Not on older servers.
    pub const fn since(self, since: u32) -> Kind {
        Kind { since, ..self }
    }
}

/// One that can be a key.
pub const fn key(name: &'static str, values: &'static [&'static str]) -> Kind {
    Kind { name, values, key: true, since: 10 }
}

/// One that cannot, or need not be one.
pub const fn plain(name: &'static str, values: &'static [&'static str]) -> Kind {
    Kind { name, values, key: false, since: 10 }
}

/// Types that belong together, by the name of their table.
pub const FAMILIES: &[(&str, &[Kind])] = &[
    ("numbers", NUMBERS),
    ("times", TIMES),
    ("texts", TEXTS),
    ("documents", DOCUMENTS),
    ("bits", BITS),
    ("shapes", SHAPES),
    ("internals", INTERNALS),
    ("arrays", ARRAYS),
    ("ranges", RANGES),
];

const NUMBERS: &[Kind] = &[
    key("smallint", &["-32768", "32767", "0", "1"]),
    key("integer", &["-2147483648", "2147483647", "0", "1"]),
    key("bigint", &["-9223372036854775808", "9223372036854775807", "0", "1"]),
    key("numeric", &["NaN", "0.000", "-1.500", "1e300", "-1e-300", "123456789012345678901234567890.000000000000000001"]),
    key("numeric(20,5)", &["NaN", "0", "-0.00001", "999999999999999.99999"]),
    key("numeric", &["Infinity", "-Infinity", "NaN", "0"]).since(14),
    key("real", &["NaN", "Infinity", "-Infinity", "-0", "1e-37", "3.4028235e38", "0.1", "16777217"]),
    key(
        "double precision",
        &["NaN", "Infinity", "-Infinity", "-0", "1e-307", "1.7976931348623157e308", "0.1", "9007199254740993"],
    ),
    key("money", &["0", "-0.01", "1234567.89", "-92233720368547758.08", "92233720368547758.07"]),
    key("oid", &["0", "4294967295", "1259"]),
    key("boolean", &["true", "false"]),
];

const TIMES: &[Kind] = &[
    key("date", &["infinity", "-infinity", "4713-01-01 BC", "0001-12-31 BC", "5874897-12-31", "2024-02-29"]),
    key("time", &["00:00", "24:00:00", "23:59:59.999999"]),
    key("time(0)", &["00:00", "24:00:00", "23:59:59"]),
    key("time with time zone", &["00:00+15:59", "24:00-15:59", "12:34:56.789+05:45", "12:34:56-00:00:01"]),
    key("timestamp", &["infinity", "-infinity", "4713-01-01 00:00 BC", "294276-12-31 23:59:59.999999", "2024-03-31 02:30"]),
    key(
        "timestamptz",
        &["infinity", "-infinity", "4713-01-01 00:00+00 BC", "2024-10-27 00:30+00", "2024-10-27 01:30+00", "1900-01-01 00:00+00"],
    ),
    key("timestamptz(3)", &["infinity", "2024-03-31 02:30:00.123+14", "1969-12-31 23:59:59.999-12"]),
    key(
        "interval",
        &[
            "0",
            "1 mon -1 day +00:00:00.000001",
            "-1 year -2 mons +3 days -04:05:06.789",
            "178000000 years",
            "-178000000 years",
            "2000000000 days",
        ],
    ),
    key("interval day to second(2)", &["1 day 00:00:01.25", "-00:00:00.01"]),
    key("interval", &["infinity", "-infinity", "0"]).since(17),
];

const TEXTS: &[Kind] = &[
    key(
        "text",
        &[
            "",
            " ",
            "\\N",
            "\\.",
            "\\",
            "a\\nb\\\\",
            "tab\tnl\ncr\rff\x0cvt\x0bbs\x08",
            "it's \"quoted\" `so` $1 $$",
            "NULL",
            "\u{feff}é e\u{301} 😀 \u{10ffff}",
            "{a,b}(c)",
        ],
    ),
    key("varchar", &["", " ", "x"]),
    key("varchar(4)", &["", "😀😀😀😀", "a\tb ", "    "]),
    key("char", &["", "x", "\\"]),
    key("char(5)", &["", "ab", " ab", "a\nb", "😀", "\\N"]),
    key("name", &["", "a\"b'c\\", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"]),
    key("\"char\"", &["", "a", "\\", "\t", "'"]),
    key("text collate \"C\"", &["", "Z", "a", "é"]),
    key("bytea", &["", "\\x00", "\\x5c", "\\x5c5c4e0a0d09", "\\xff00fe"]),
    key("uuid", &["00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]),
];

const DOCUMENTS: &[Kind] = &[
    plain("json", &["{\"b\":1,  \"a\" : 2, \"b\":1.0}", " [1 ,\n\t2]  ", "null", "\"\\u0000 \\ud83d\\ude00 \\\\n\"", "1e400"]),
    key("jsonb", &["{\"b\": 1, \"a\": [null, {}]}", "[]", "{}", "null", "\"\"", "\"\\\\ \\\" \\n é\"", "1.10", "-0"]),
    key("tsvector", &["", "'a':1A 'it''s':2,3 'back\\\\slash' 'b l a n k':16383", "'é' 'tab\t'"]),
    key("tsquery", &["", "'a' & !'b' | 'c':*AB", "'it''s' <3> 'back\\\\slash'"]),
    plain("jsonpath", &["$", "strict $.\"a b\"[*] ? (@ like_regex \"^\\\\d\" flag \"i\")", "$.a + 1"]).since(12),
];

const BITS: &[Kind] = &[
    key("bit(5)", &["00000", "10101", "11111"]),
    key("bit varying", &["", "0", "00", "1", "1010101010101"]),
    key("bit varying(3)", &["", "0", "111"]),
    key("inet", &["0.0.0.0/0", "192.168.0.1/24", "192.168.0.1", "::ffff:1.2.3.4/96", "::", "fe80::1/64"]),
    key("cidr", &["0.0.0.0/0", "192.168.0.0/24", "::/0", "2001:db8::/32"]),
    key("macaddr", &["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"]),
    key("macaddr8", &["00:00:00:00:00:00:00:00", "08:00:2b:01:02:03:04:05"]),
    key("pg_lsn", &["0/0", "FFFFFFFF/FFFFFFFF", "16/B374D848"]),
];

const SHAPES: &[Kind] = &[
    plain("point", &["(0,-0)", "(NaN,Infinity)", "(1e-300,0.1)"]),
    plain("line", &["{1,-1,0}", "{0,1,-0.1}"]),
    plain("lseg", &["[(0,0),(1,1)]", "[(0,0),(0,0)]"]),
    plain("box", &["(1,1),(0,0)", "(0.1,Infinity),(-Infinity,-0)"]),
    plain("path", &["[(0,0),(1,1),(2,0)]", "((0,0),(1,1),(2,0))"]),
    plain("polygon", &["((0,0),(1,1),(2,0))", "((0.1,0.2))"]),
    plain("circle", &["<(0,0),0>", "<(0.1,-0.1),1e300>"]),
    plain("point[]", &["{\"(1,2)\",NULL}"]),
    plain("box[]", &["{(1,1),(0,0);(2,2),(1,1)}"]),
];

const INTERNALS: &[Kind] = &[
    key("regclass", &["pg_class", "-", "internals", "4000000000"]),
    key("regtype", &["integer", "text[]", "timestamp with time zone", "-"]),
    plain("regproc", &["now", "-"]),
    plain("regprocedure", &["lower(text)", "0"]),
    plain("regoper", &["pg_catalog.||/", "0"]),
    plain("regoperator", &["=(integer,integer)", "0"]),
    plain("regconfig", &["english"]),
    plain("regdictionary", &["simple"]),
    key("regrole", &["postgres", "-"]),
    key("regnamespace", &["public", "pg_catalog"]),
    plain("regcollation", &["\"C\"", "-"]).since(13),
    plain("xid", &["0", "4294967295"]),
    plain("cid", &["0", "4294967295"]),
    key("xid8", &["0", "18446744073709551615"]).since(13),
    key("tid", &["(0,1)", "(4294967295,65535)"]),
    plain("txid_snapshot", &["10:20:10,14,15", "1:1:"]),
    plain("pg_snapshot", &["10:20:10,14,15", "1:1:"]).since(13),
    plain("int2vector", &["", "1 -2 3"]),
    key("oidvector", &["", "1 2 3"]),
    plain("aclitem", &["postgres=r*w/postgres", "=/postgres"]),
    plain("refcursor", &["", "a\"cursor'\\"]),
];

const ARRAYS: &[Kind] = &[
    key(
        "integer[]",
        &["{}", "{NULL}", "{1,NULL,3}", "{{1,2},{3,4}}", "[2:3]={1,2}", "[-1:0][0:1]={{5,6},{7,8}}", "{{{{{{1}}}}}}"],
    ),
    key(
        "text[]",
        &[
            "{}",
            "{\"\"}",
            "{NULL}",
            "{\"NULL\"}",
            "{\"a,b\",\"{c}\",\"q\\\"q\",\"\\\\\",\" \"}",
            "{\"tab\t nl\n\\\\N\"}",
            "[0:0]={😀}",
        ],
    ),
    key("numeric[]", &["{NaN,0.00,-1.5}", "{}"]),
    key("timestamptz[]", &["{infinity,NULL,\"2024-10-27 01:30:00+00\"}", "{}"]),
    key("interval[]", &["{\"1 mon -1 days +00:00:01\"}", "{}"]),
    key("bytea[]", &["{\"\\\\x5c00\",\"\\\\x\"}", "{}"]),
    key("char(3)[]", &["{a,\"\",NULL}", "{}"]),
    key("name[]", &["{a,\"b c\"}", "{}"]),
    key("double precision[]", &["{NaN,Infinity,-0,0.1}", "{}"]),
    key("money[]", &["{$1.00,-$0.01}", "{}"]),
    plain("json[]", &["{\"{\\\"a\\\":1,  \\\"a\\\":2}\",NULL}"]),
    key("jsonb[]", &["{\"{\\\"a\\\": 1}\",NULL}", "{}"]),
    key("inet[]", &["{10.0.0.1/8,::1}", "{}"]),
    key("tsvector[]", &["{\"'a':1 'b'\",\"\"}", "{}"]),
    key("boolean[]", &["{t,f,NULL}", "{}"]),
    key("varchar(2)[]", &["{ab,\"\"}", "{}"]),
];

const RANGES: &[Kind] = &[
    key("int4range", &["empty", "(,)", "[1,5)", "(,0)", "[7,)"]),
    key("int8range", &["empty", "[-9223372036854775808,9223372036854775807)"]),
    key("numrange", &["empty", "(0.1,NaN]", "[-1.50,)", "[1,1]"]),
    key("tsrange", &["empty", "[\"2024-01-01 00:00\",infinity)", "(,\"0044-03-15 12:00 BC\"]"]),
    key("tstzrange", &["empty", "(\"2024-10-27 00:30+00\",\"2024-10-27 01:30+00\"]", "[-infinity,)"]),
    key("daterange", &["empty", "[2024-02-29,infinity]", "(,)"]),
    key("daterange[]", &["{empty,\"[2024-01-01,2024-01-02)\"}", "{}"]),
    key("int4multirange", &["{}", "{[1,3),[5,9)}", "{(,)}"]).since(14),
    key("nummultirange", &["{}", "{[1.0,2.00],(3,)}"]).since(14),
    key("tstzmultirange", &["{}", "{[\"2024-10-27 00:30+00\",\"2024-10-27 01:30+00\"],(infinity,)}"]).since(14),
    key("datemultirange[]", &["{\"{[2024-01-01,2024-01-02)}\",\"{}\"}", "{}"]).since(14),
];
