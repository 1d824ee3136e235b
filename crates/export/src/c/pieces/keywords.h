/* Keywords over time: give the probabilities of a window of WINDOW samples every HOP samples. */
#define UPPER_KEYWORD_WINDOW WINDOW
#define UPPER_KEYWORD_HOP HOP
#define UPPER_KEYWORDS KEYWORDS

/* State of the keywords over time; the members are private. */
typedef struct {
    float scores[UPPER_KEYWORDS][LENGTH]; /* the last scores of each keyword */
    uint32_t count, last[UPPER_KEYWORDS];
    int was_detected[UPPER_KEYWORDS];
} NAME_keywords;

/* Starts a recording. */
void NAME_keywords_init(NAME_keywords *keywords);

/* Reads the probabilities of the next window, and returns the index of the label that is detected now, or -1. */
int NAME_keywords_push(NAME_keywords *keywords, const float *scores);
