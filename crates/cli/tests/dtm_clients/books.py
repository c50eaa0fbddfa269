"""Accounts in MariaDB, and the table of the client's barrier, under the name that the client gives it."""

from urllib.parse import urlsplit

import pymysql
from dtmcli import utils
from dtmcli.barrier import AutoCursor

# The client for Python inserts into this table and no other; who tests uses ids of its own in it.
TABLES = (
    "create database if not exists dtm_barrier",
    """create table if not exists dtm_barrier.barrier (
        id bigint auto_increment primary key,
        trans_type varchar(45) not null, gid varchar(128) not null, branch_id varchar(128) not null,
        op varchar(45) not null, barrier_id varchar(45) not null, reason varchar(45) not null,
        unique key (gid, branch_id, op, barrier_id))""",
    "create table if not exists accounts (id varchar(64) primary key, balance int not null, held int not null)",
    "insert ignore into accounts values ('anna', 100, 0), ('bert', 100, 0)",
)


def cursor(url):
    """A cursor on a connection of its own, which ends with it."""
    place = urlsplit(url)
    connection = pymysql.connect(
        host=place.hostname,
        port=place.port,
        user=place.username,
        password=place.password,
        database=place.path[1:],
    )
    return AutoCursor(connection.cursor())


def open_books(url):
    with cursor(url) as at:
        for statement in TABLES:
            at.execute(statement)
        at.connection.commit()


def change(at, account, amount):
    """A balance changes, and stays above zero."""
    least = "update accounts set balance = balance + %s where id = %s and balance + held + %s >= 0"
    if at.execute(least, (amount, account, amount)) != 1:
        raise utils.DTMFailureError(f"{account} has too little, or is nobody")


def hold(at, account, amount):
    """What is to be taken or given is held."""
    held = "update accounts set held = held + %s where id = %s and balance + held + %s >= 0"
    if at.execute(held, (amount, account, amount)) != 1:
        raise utils.DTMFailureError(f"{account} has too little, or is nobody")


def let_go(at, account, amount):
    at.execute("update accounts set held = held - %s where id = %s", (amount, account))


def take(at, account, amount):
    at.execute("update accounts set balance = balance + %s, held = held - %s where id = %s", (amount, amount, account))
