"""Settings of the data: where they are, how a file is read, how sequences are cut."""

from typing import Literal

from gainakt.config.base import Section, setting


class DataConfig(Section):
    """Where the interactions come from and how they are cut into windows."""

    path: str = setting(
        "",
        "Data path",
        "A file, a folder or several of them (separated by ;) of responses; empty means the simulated class below.",
    )
    test_path: str = setting("", "Test path", "Files whose students test, beside those whose name says so (test.csv).")
    simulate: str = setting("demo", "Simulated class", "The simulated scenario that is used when no path is given.")
    seed: int = setting(0, "Seed of the simulated class", "The same scenario and seed give the same responses.", ge=0)
    window: int = setting(
        200,
        "Window",
        "Longest sequence in interactions; longer ones are cut, each starting at zero practice.",
        ge=2,
        le=5000,
    )
    format: Literal["auto", "table", "sequences", "lines"] = setting(
        "auto",
        "Format",
        "table: one row per response, with a header. sequences: pyKT's, one row per student with lists. lines: three or"
        " four lines per student (length, questions, skills, responses). auto: by what is in the file.",
    )
    encoding: str = setting("auto", "Encoding", "Of text files: auto, or a name such as utf-8, utf-16, latin-1, gbk.")
    student_column: str = setting("", "Student column", "Its header; empty: guessed from known headers.")
    skill_column: str = setting("", "Skill column", "Its header; empty: guessed, or the skill model below.")
    response_column: str = setting("", "Response column", "Its header; empty: guessed from known headers.")
    time_column: str = setting(
        "", "Time or order column", "Its header; empty: guessed; - for none, so that rows count in the file's order."
    )
    question_column: str = setting("", "Question column", "Its header; empty: guessed; - for none.")
    fold_column: str = setting("", "Fold column", "Its header; empty: guessed; - for none.")
    attempt_column: str = setting(
        "",
        "Attempt column",
        "Its header; rows of a student that share it are one response to a question of several skills (order_id in"
        " ASSISTments 2009); empty: guessed; - for none.",
    )
    skill_model: str = setting(
        "", "Skill model", "Name of the KC model of a DataShop export, such as Default; empty: the first."
    )
    skill_separator: str = setting(
        "",
        "Skill separator",
        "What stands between several skills in a cell; empty: ~~, and _ or ; between numbers in columns known for it.",
    )
    several_skills: Literal["joined", "first", "expanded"] = setting(
        "joined",
        "Several skills per question",
        "joined: the combination is one skill. first: the others are ignored. expanded: one interaction per skill,"
        " marked as siblings, which must be scored as one question.",
    )
    partial_credit: Literal["reject", "correct", "incorrect"] = setting(
        "reject",
        "Partial credit",
        "What a response between 0 and 1 counts as; reject leaves the row out and reports it.",
    )
    bad_rows: Literal["report", "stop"] = setting(
        "report", "Bad rows", "report: leave them out and list each with its reason. stop: end at the first."
    )
    overlap: Literal["local", "same"] = setting(
        "local",
        "Ids in both train and test",
        "local: different people, ids count within their file. same: the same people, who then only test.",
    )
    pseudonymise: bool = setting(
        False, "Pseudonymise", "Replace student ids by numbers in order of appearance; nothing keeps the originals."
    )
