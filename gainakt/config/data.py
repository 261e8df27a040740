"""Settings of the data: where they are, how a file is read, how sequences are cut."""

from typing import Literal

from gainakt.config.base import LARGEST_SEED, Section, setting


class DataConfig(Section):
    """Where the interactions come from and how they are cut into windows."""

    path: str = setting(
        "",
        "Data path",
        "A file or folder of responses, or several with ; between; empty: simulated students of the scenario below.",
    )
    test_path: str = setting(
        "",
        "Test data path",
        "Files of the test students, besides files named test.csv; empty: test students are split off.",
    )
    simulate: str = setting(
        "demo", "Simulated scenario", "The scenario whose simulated students are used when the data path is empty."
    )
    seed: int = setting(
        0, "Seed of the simulation", "The same scenario and seed give the same responses.", ge=0, le=LARGEST_SEED
    )
    window: int = setting(
        200,
        "Sequence window",
        "Longest sequence the model reads at once, in interactions. Longer ones are cut; practice starts at"
        " zero in each piece.",
        ge=2,
        le=5000,
    )
    format: Literal["auto", "table", "sequences", "lines", "wide"] = setting(
        "auto",
        "Format",
        "table: one row per response, with a header. sequences: one row per student with lists, as pyKT writes"
        " them. lines: three to six lines per student (length, questions, skills, responses). wide: a row per student"
        " and a column of 0 and 1 per item; each item counts as a skill, and the order of the responses is not known."
        " auto: recognised from the file, except wide.",
    )
    header: Literal["auto", "yes", "no"] = setting(
        "auto",
        "Header",
        "Whether the first row names the columns. no: it holds data, and the columns are called column 1, column 2"
        " and so on. auto: no, where no name is known and the first row holds numbers.",
    )
    sheet: str = setting(
        "",
        "Sheet of a workbook",
        "Name of the sheet to read; empty: the first that has columns for student, skill and response, else the first"
        " with rows.",
    )
    encoding: str = setting("auto", "Text encoding", "auto, or a name such as utf-8, utf-16, latin-1, gbk.")
    student_column: str = setting(
        "", "Student column", "Header of the column with student ids; empty: recognised from common headers."
    )
    skill_column: str = setting(
        "", "Skill column", "Header of the column with skills; empty: recognised, or the skill model below."
    )
    response_column: str = setting(
        "",
        "Response column",
        "Header of the column with 1 for correct and 0 for incorrect; empty: recognised from common headers.",
    )
    time_column: str = setting(
        "",
        "Time or order column",
        "Header of the column that orders a student's responses; empty: recognised; - for none: the order of the rows.",
    )
    question_column: str = setting(
        "", "Question column", "Header of the column with question ids; empty: recognised; - for none."
    )
    fold_column: str = setting(
        "", "Fold column", "Header of the column with cross-validation folds; empty: recognised; - for none."
    )
    attempt_column: str = setting(
        "",
        "Attempt column",
        "Header of the column whose value the rows of one response share when a question needs several skills"
        " (order_id in ASSISTments 2009); empty: recognised, or rows that repeat the question before them with another"
        " skill; - for none.",
    )
    dates: Literal["auto", "month-first", "day-first"] = setting(
        "auto",
        "Dates such as 03/02/2020",
        "auto: month first, unless a first number above 12 shows that the day comes first; a warning says where"
        " neither shows.",
    )
    attempts: Literal["first", "all"] = setting(
        "first",
        "Attempts at a step",
        "Of a DataShop transaction export, or of a table with questions and a column that numbers attempts. first: a"
        " student's first attempt at each step of a problem view, or at each question, counts. all: each attempt is a"
        " response.",
    )
    skill_model: str = setting(
        "",
        "Skill model",
        "Name of the KC model in a DataShop export, such as Default; empty: the first with several skills that covers"
        " the rows and lets students practise, and is not Single-KC or Unique-step.",
    )
    skill_separator: str = setting(
        "",
        "Skill separator",
        "Character between several skills in one cell; empty: ~~, a list in brackets, between names that stand alone as"
        " well ; | , or +, and between numbers in columns known to hold lists _ ; , or |.",
    )
    several_skills: Literal["joined", "first", "expanded"] = setting(
        "joined",
        "Several skills per question",
        "joined: each combination is a skill of its own. first: only the first skill counts. expanded: one"
        " interaction per skill, marked as parts of one question, which is scored once.",
    )
    partial_credit: Literal["reject", "correct", "incorrect"] = setting(
        "reject",
        "Partial credit",
        "How a response between 0 and 1 counts: as correct, as incorrect, or rejected, so that its row is left"
        " out and listed.",
    )
    full_credit: float = setting(
        0.0,
        "Full credit",
        "The score of a correct response, such as 100 where scores are out of 100; those below are partial credit."
        " 0: 1, or the one score beside 0 that a file gives.",
        ge=0,
    )
    bad_rows: Literal["report", "stop"] = setting(
        "report", "Bad rows", "report: leave them out and list each with its reason. stop: end at the first one."
    )
    overlap: Literal["local", "same"] = setting(
        "local",
        "Ids in both train and test",
        "local: the same id in two files means two students. same: it means one student, who then belongs to"
        " the test students only.",
    )
    split: Literal["given", "students"] = setting(
        "given",
        "Split",
        "given: by the folds and test students that the data name; what they do not name is drawn. students: these are"
        " ignored, and 70/10/20 % of all students train, validate and test, drawn by training.seed.",
    )
    pseudonymise: bool = setting(
        False,
        "Pseudonymise",
        "Replace student ids by numbers in order of appearance; the original ids are not kept anywhere.",
    )
