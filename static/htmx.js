// htmx posts the forms of a card and puts the answer where it belongs. What happens then comes by the stream.
import htmx from "htmx.org";

window.htmx = htmx;
