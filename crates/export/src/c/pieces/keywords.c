void NAME_keywords_init(NAME_keywords *keywords)
{
    memset(keywords, 0, sizeof *keywords);
}

int NAME_keywords_push(NAME_keywords *keywords, const float *scores)
{
    const uint32_t at = keywords->count++;
    int best = -1;
    float highest = 0;
    for (int i = 0; i < UPPER_KEYWORDS; i++) {
        float sum = 0;
        const uint32_t filled = at + 1 < LENGTH ? at + 1 : LENGTH;
        keywords->scores[i][at % LENGTH] = scores[keyword_classes[i]];
        for (uint32_t n = 0; n < filled; n++)
            sum += keywords->scores[i][n];
        const float margin = sum / (float)filled - keyword_thresholds[i];
        const int is_free = !keywords->was_detected[i] || at - keywords->last[i] > REFRACTORY;
        if (margin >= 0 && is_free && (best < 0 || margin > highest)) {
            best = i;
            highest = margin;
        }
    }
    if (best < 0)
        return -1;
    keywords->was_detected[best] = 1;
    keywords->last[best] = at;
    return keyword_classes[best];
}
