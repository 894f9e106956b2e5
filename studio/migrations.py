"""The tables of the studio's database, as they came to be."""

from __future__ import annotations

#: Each entry brings the database from the version of its place to the next one. Append only: the
#: databases of people who have run an entry never see a change to it.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE takes (
            id TEXT PRIMARY KEY,
            created REAL NOT NULL,             -- seconds since 1970
            owner TEXT NOT NULL DEFAULT '',
            mode TEXT,
            engine TEXT,
            voice TEXT,
            language TEXT,
            text TEXT,
            settings TEXT,                     -- JSON
            seed INTEGER,
            duration REAL,                     -- of the sound, seconds
            seconds REAL,                      -- it took to make
            rtf REAL,                          -- seconds / duration
            sample_rate INTEGER,               -- Hz
            file TEXT,                         -- name below outputs
            status TEXT,
            note TEXT NOT NULL DEFAULT '',
            favourite INTEGER NOT NULL DEFAULT 0
        )
        """,
        "CREATE INDEX takes_by_owner ON takes (owner, created)",
        """
        CREATE TABLE presets (
            owner TEXT NOT NULL,
            mode TEXT NOT NULL,
            name TEXT NOT NULL,
            settings TEXT NOT NULL,            -- JSON
            PRIMARY KEY (owner, mode, name)
        )
        """,
        """
        CREATE TABLE jobs (
            id TEXT PRIMARY KEY,
            kind TEXT NOT NULL,                -- for the page: training, download, ...
            target TEXT NOT NULL,              -- "module:function"
            params TEXT NOT NULL,              -- JSON
            title TEXT NOT NULL,
            owner TEXT NOT NULL DEFAULT '',
            slot TEXT NOT NULL DEFAULT '',     -- jobs of one slot run one after another
            status TEXT NOT NULL,
            attempt INTEGER NOT NULL DEFAULT 0, -- counts starts; a worker of an older one is fenced off
            cancel INTEGER NOT NULL DEFAULT 0, -- someone has asked to stop
            stage TEXT NOT NULL DEFAULT '',
            step INTEGER NOT NULL DEFAULT 0,
            total INTEGER NOT NULL DEFAULT 0,  -- 0: not known
            base_step INTEGER NOT NULL DEFAULT 0, -- first step of this stage and attempt ...
            base_time REAL,                    -- ... and when it was reported
            message TEXT NOT NULL DEFAULT '',
            hint TEXT NOT NULL DEFAULT '',
            error_id TEXT NOT NULL DEFAULT '', -- finds the traceback in the log
            result TEXT,                       -- JSON
            created REAL NOT NULL,             -- all times: seconds since 1970
            started REAL,
            finished REAL,
            heartbeat REAL,
            pid INTEGER,
            pid_created REAL,                  -- with the pid it names one process for ever
            log TEXT NOT NULL DEFAULT ''       -- path below the home
        )
        """,
        "CREATE INDEX jobs_by_status ON jobs (status, created)",
    ),
    (
        """
        CREATE TABLE consents (
            model TEXT PRIMARY KEY,            -- key in studio.models.registry
            text TEXT NOT NULL,                -- what was accepted, word for word
            accepted REAL NOT NULL             -- seconds since 1970
        )
        """,
    ),
    (
        """
        CREATE TABLE transcripts (
            id TEXT PRIMARY KEY,
            created REAL NOT NULL,             -- seconds since 1970
            owner TEXT NOT NULL DEFAULT '',
            name TEXT NOT NULL,                -- of the recording, as the person knows it
            recording TEXT NOT NULL,           -- the copy, a name below recordings
            engine TEXT NOT NULL,
            model TEXT NOT NULL DEFAULT '',    -- key in studio.models.registry
            task TEXT NOT NULL,
            language TEXT NOT NULL,
            language_probability REAL,
            duration REAL NOT NULL,            -- of the recording, seconds
            recognised REAL NOT NULL,          -- up to here, seconds
            seconds REAL NOT NULL,             -- it took
            status TEXT NOT NULL,
            settings TEXT NOT NULL,            -- JSON, what was asked for
            segments TEXT NOT NULL,            -- JSON
            raw_text TEXT NOT NULL,            -- as recognised
            text TEXT NOT NULL,                -- processed and edited
            file TEXT NOT NULL,                -- stem below outputs
            notes TEXT NOT NULL DEFAULT '[]',  -- JSON, what the person should know
            note TEXT NOT NULL DEFAULT ''      -- the person's own
        )
        """,
        "CREATE INDEX transcripts_by_owner ON transcripts (owner, created)",
    ),
    (
        """
        CREATE TABLE lexicon (
            id INTEGER PRIMARY KEY,
            key TEXT NOT NULL,                 -- the word, in lower case where its case does not count
            word TEXT NOT NULL,
            language TEXT NOT NULL DEFAULT '', -- BCP 47; '': all
            respelling TEXT NOT NULL DEFAULT '',
            ipa TEXT NOT NULL DEFAULT '',
            case_sensitive INTEGER NOT NULL DEFAULT 0,
            note TEXT NOT NULL DEFAULT '',
            UNIQUE (key, language, case_sensitive)
        )
        """,
    ),
    (
        """
        CREATE TABLE videos (
            id TEXT PRIMARY KEY,
            created REAL NOT NULL,             -- seconds since 1970
            owner TEXT NOT NULL DEFAULT '',
            engine TEXT NOT NULL,
            model TEXT NOT NULL DEFAULT '',    -- key in studio.models.registry
            text TEXT NOT NULL DEFAULT '',     -- what is said
            avatar TEXT NOT NULL,              -- whose face, for people
            settings TEXT NOT NULL,            -- JSON
            duration REAL NOT NULL,            -- seconds
            seconds REAL NOT NULL,             -- it took to make
            drawing_seconds REAL NOT NULL,     -- of these, for lip sync and encoding
            width INTEGER NOT NULL,
            height INTEGER NOT NULL,
            fps INTEGER NOT NULL,
            file TEXT NOT NULL,                -- name below outputs
            face TEXT NOT NULL DEFAULT '',     -- the copy, a name below faces; '': a built-in one
            take TEXT NOT NULL DEFAULT '',     -- id of the speech; '': the sound was given
            notes TEXT NOT NULL DEFAULT '[]',  -- JSON, what the person should know
            note TEXT NOT NULL DEFAULT '',     -- the person's own
            favourite INTEGER NOT NULL DEFAULT 0
        )
        """,
        "CREATE INDEX videos_by_owner ON videos (owner, created)",
    ),
    (
        """
        CREATE TABLE api_keys (
            name TEXT PRIMARY KEY,
            owner TEXT NOT NULL DEFAULT '',
            hash TEXT NOT NULL UNIQUE,         -- SHA-256 of the key, hexadecimal
            created REAL NOT NULL,             -- seconds since 1970
            last_used REAL                     -- to the minute
        )
        """,
    ),
)
