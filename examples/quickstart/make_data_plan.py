"""What the quickstart's dataset is made of: packages, and documents of each kind."""

PACKAGES = {
    "golang-1.19-src": "1.19.8-2",
    "golang-github-google-pprof-dev": "0.0~git20211008.947d60d-1",
    "golang-github-prometheus-procfs-dev": "0.8.0-3",
    "libsqlite3-0": "3.40.1-2+deb12u2",
    "nodejs-doc": "18.20.4+dfsg-1~deb12u3",
    "postgresql-doc-15": "15.20-0+deb12u1",
    "python3.11-doc": "3.11.2-6+deb12u9",
    "rust-doc": "1.63.0+dfsg1-2",
    "sqlite3-doc": "3.40.1-2+deb12u2",
    "tcl8.6-doc": "8.6.13+dfsg-2",
    "tzdata": "2026f-0+deb12u1",
    "unicode-data": "15.0.0-1",
}

# kind -> (package -> documents at most).  Taken in hash order.
QUOTA: dict[str, dict[str, int]] = {
    "prose": {
        "postgresql-doc-15": 1400,
        "python3.11-doc": 1400,
        "rust-doc": 1000,
        "sqlite3-doc": 1000,
    },
    "markup": {
        "postgresql-doc-15": 160,
        "python3.11-doc": 160,
        "rust-doc": 160,
        "sqlite3-doc": 160,
        "nodejs-doc": 100,
        "tcl8.6-doc": 160,
    },
    "boilerplate": {
        "postgresql-doc-15": 150,
        "python3.11-doc": 200,
        "rust-doc": 300,
    },
    "near_empty": {
        "postgresql-doc-15": 150,
        "python3.11-doc": 150,
        "rust-doc": 200,
        "sqlite3-doc": 150,
    },
    "log": {
        "golang-1.19-src": 300,
        "golang-github-google-pprof-dev": 150,
        "golang-github-prometheus-procfs-dev": 150,
        "nodejs-doc": 50,
    },
    "repetitive": {
        "golang-1.19-src": 200,
        "rust-doc": 150,
        "tzdata": 50,
        "unicode-data": 250,
    },
    "garbled": {
        "golang-1.19-src": 200,
        "golang-github-google-pprof-dev": 50,
        "libsqlite3-0": 100,
        "python3.11-doc": 50,
    },
}
